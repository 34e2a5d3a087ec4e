// Light or dark: as the system has it, or as was chosen here.

export function applyTheme() {
  const wanted = localStorage.getItem('theme');
  if (wanted === null) delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = wanted;
}

export function nextTheme() {
  const now = localStorage.getItem('theme');
  if (now === null) localStorage.setItem('theme', 'light');
  else if (now === 'light') localStorage.setItem('theme', 'dark');
  else localStorage.removeItem('theme');
  applyTheme();
}
