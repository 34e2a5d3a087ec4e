/** Names for containers that were given none, as Docker makes them: `brave_cerf`. Pure. */
const ADJECTIVES = (
  'admiring agile amazing awesome bold brave busy calm charming clever cool curious dazzling determined dreamy eager ecstatic elastic elegant ' +
  'epic exciting fervent festive focused friendly gallant gifted gracious happy hopeful hungry infallible intelligent jolly jovial keen kind ' +
  'laughing loving lucid magical modest musing mystifying nifty nostalgic objective optimistic peaceful pensive practical quirky quizzical ' +
  'relaxed reverent romantic serene sharp silly sleepy stoic strange sweet tender thirsty trusting upbeat vibrant vigilant vigorous wizardly ' +
  'wonderful youthful zealous zen'
).split(' ');

/** People who built the networks that came before ours. */
const SURNAMES = (
  'baran bartik bernstein boggs bolt cerf clark cohen crocker crowther davies deering diffie engelbart estrin feinler floyd ' +
  'goldberg hamilton hart heart hellman hopper jacobson johnson kahn kahle karels kleinrock knuth lamport lamarr licklider liskov lovelace ' +
  'mcquillan merkle metcalfe mills mockapetris moore neumann newman nygaard ornstein perlman postel pouzin rekhter ritchie roberts ' +
  'saltzer shannon sutherland taylor thompson tomlinson turing walden wilkes wing zimmermann'
).split(' ');

/** A free name. `random` gives numbers from 0 up to 1; when names run short a digit is added, as Docker does. */
export function madeUpName(random: () => number, isTaken: (name: string) => boolean): string {
  const pick = (words: readonly string[]) => words[Math.floor(random() * words.length)] ?? words[0] ?? 'container';
  for (let attempt = 0; ; attempt++) {
    const digits = attempt === 0 ? '' : String(Math.floor(random() * 10 ** Math.min(attempt, 9)));
    const name = `${pick(ADJECTIVES)}_${pick(SURNAMES)}${digits}`;
    if (!isTaken(name)) return name;
  }
}
