// Which view of the page an address means.

export const VIEWS = ['now', 'plan'] as const;
export type View = (typeof VIEWS)[number];

/** The view of a fragment such as "#plan"; another fragment, such as that of the link to the content, changes nothing. */
export function viewOf(hash: string, before: View): View {
  if (hash === '') return 'now';
  return VIEWS.find((view) => `#${view}` === hash) ?? before;
}
