/** The webrtc dialect's two spellings of kinds, and their names, as frames carry them. Inside, kinds have underscores. */
export const webrtcName = 'webrtc';
export const webrtcSnakeName = 'webrtc_snake';

/** S4's code spells kinds with hyphens, its documents and its test client with underscores. Nothing else differs. */
export type Spelling = typeof webrtcName | typeof webrtcSnakeName;

export function isWebrtcName(dialect: string): dialect is Spelling {
  return dialect === webrtcName || dialect === webrtcSnakeName;
}

/** A kind as that spelling has it. */
export function spell(kind: string, spelling: Spelling): string {
  return spelling === webrtcName ? kind.replaceAll('_', '-') : kind;
}

/** The kind that a `type` means; none when it mixes both spellings. */
export function kindOf(type: string): string | undefined {
  return type.includes('_') && type.includes('-') ? undefined : type.replaceAll('-', '_');
}

/** The spelling that a `type` gives away, if it does. */
export function spellingOf(type: string): Spelling | undefined {
  if (type.includes('_')) return webrtcSnakeName;
  return type.includes('-') ? webrtcName : undefined;
}
