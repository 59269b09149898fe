import type { Media, MediaRequest, NewRequest, Parsed } from '@medianest/shared';
import { newRequest } from '@medianest/shared';

/** One line of a list, as plain text: the page never puts markup together. */
export interface Row {
  title: string;
  detail: string;
  badge: string;
}

export function catalogueRows(media: readonly Media[]): Row[] {
  return media.map(({ title, kind, year }) => ({ title, detail: `${kind}, ${year}`, badge: '' }));
}

export function requestRows(requests: readonly MediaRequest[]): Row[] {
  return requests.map(({ title, kind, year, note, state }) => ({
    title,
    detail: note === '' ? `${kind}, ${year}` : `${kind}, ${year}: ${note}`,
    badge: state,
  }));
}

export function emptyText(list: 'catalogue' | 'requests'): string {
  return list === 'catalogue' ? 'Nothing found: request it.' : 'Nothing requested yet.';
}

/** What the form holds, checked by the same rules as the backend's. */
export function readRequestForm(form: FormData): Parsed<NewRequest> {
  const note = String(form.get('note') ?? '');
  return newRequest.parse({
    title: form.get('title'),
    kind: form.get('kind'),
    year: Number(form.get('year')),
    note: note === '' ? undefined : note,
  });
}
