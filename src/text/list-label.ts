/** A label's list: JSON (`["a==b"]`, as in docker/swarm cluster/config.go), or parted by commas. Undefined: JSON of something else. */
export function parseListLabel(text: string): readonly string[] | undefined {
  if (!text.trim().startsWith('[')) return text.split(',').filter((one) => one.trim() !== '');
  try {
    const parsed: unknown = JSON.parse(text);
    return Array.isArray(parsed) && parsed.every((one) => typeof one === 'string') ? parsed : undefined;
  } catch {
    return undefined;
  }
}
