import { createStore } from './net/store';

export type Theme = 'auto' | 'light' | 'dark';

const KEY = 'inspector.theme';
const ORDER: readonly Theme[] = ['auto', 'light', 'dark'];

const isTheme = (value: unknown): value is Theme => ORDER.includes(value as Theme);

function remembered(): Theme {
  try {
    const value = localStorage.getItem(KEY);
    return isTheme(value) ? value : 'auto';
  } catch {
    // Storage may be forbidden; then the theme lasts as long as the page.
    return 'auto';
  }
}

export const theme = createStore<Theme>(remembered());

export function applyTheme(): void {
  document.documentElement.dataset.theme = theme.get();
}

export function nextTheme(): void {
  theme.set(ORDER[(ORDER.indexOf(theme.get()) + 1) % ORDER.length] ?? 'auto');
  applyTheme();
  try {
    localStorage.setItem(KEY, theme.get());
  } catch {
    return;
  }
}
