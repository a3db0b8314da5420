// Whether this browser logged in: the session's cookie itself is out of a page's sight, by intent.

const STORED = 'ohmstead.session';

export function hasSession(): boolean {
  try {
    return localStorage.getItem(STORED) === 'yes';
  } catch {
    return false;
  }
}

export function rememberSession(isOpen: boolean): void {
  try {
    if (isOpen) localStorage.setItem(STORED, 'yes');
    else localStorage.removeItem(STORED);
  } catch {
    // Private windows may refuse; then only the button for logging out is missing.
  }
}
