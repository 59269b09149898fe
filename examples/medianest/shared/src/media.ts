import { oneOf } from './schema.js';

export const MEDIA_KINDS = ['film', 'series', 'album', 'book'] as const;
export type MediaKind = (typeof MEDIA_KINDS)[number];

/** Something the library already has. */
export interface Media {
  id: string;
  title: string;
  kind: MediaKind;
  year: number;
}

export const mediaKind = oneOf(MEDIA_KINDS);

/** The years a title may come from; the database holds the same bounds for the catalogue. */
export const FIRST_YEAR = 1800;
export const LAST_YEAR = 2100;
