import type { DialectName } from '../../../dialects/doors.js';
import type { RoomMode } from '../../../protocol/records.js';

/** A room as its operator sees it: never its token. */
export interface RoomHere {
  readonly roomId: string;
  readonly mode: RoomMode;
  /** Peers on this node, and on others. */
  readonly here: number;
  readonly elsewhere: number;
}

/** What the pages are made of. */
export interface PageParts {
  /** Where `npm run build` has put them. */
  readonly folder: string;
  readonly serveDemo: boolean;
  /** What the documents tell of. */
  readonly dialects: readonly DialectName[];
  readonly version: string;
  /** What was decided from the settings, a line each. */
  readonly decisions: readonly string[];
  /** The largest rooms of this node, `most` of them. */
  readonly roomsHere: (most: number) => readonly RoomHere[];
}
