// Messages of drivers are phrases that go on in a log line; on the page they stand as sentences.

/** Words that are typed as they stand. */
const COMMAND = 'ohmstead';

/** `text` with a capital at its beginning and a full stop at its end; what may be a command, a key or a path stays. */
export function sentence(text: string | null | undefined): string {
  const phrase = (text ?? '').trim();
  if (phrase === '') return '';
  const first = /^\p{Ll}+(?=[\s,:;'’]|\.?(?:\s|$))/u.exec(phrase)?.[0];
  const begun = first === undefined || first === COMMAND ? phrase : phrase.charAt(0).toUpperCase() + phrase.slice(1);
  return /[.!?:…]["'`)]?$/.test(begun) ? begun : `${begun}.`;
}
