// Why values are unknown, said once for all that share the reason.

export interface Reason {
  names: string[];
  why: string;
}

export function byReason(missing: { name: string; why: string }[]): Reason[] {
  const reasons = new Map<string, string[]>();
  for (const { name, why } of missing) reasons.set(why, [...(reasons.get(why) ?? []), name]);
  return [...reasons].map(([why, names]) => ({ why, names }));
}
