/** A user as S2 keeps it. */
export interface UserRecord {
  /** `sub` claim. */
  readonly uid: string;
  /** How it is called. */
  readonly handle: string;
  /** Unix time in milliseconds. */
  readonly createdAtMs: number;
}

/** Who has made rooms. Calls settle and reject as those of `RoomStore` do. */
export interface UserStore {
  /** Writes a user that is not known yet; of one that is, only the handle. Resolves to what is kept. */
  remember(user: UserRecord): Promise<UserRecord>;
  find(uid: string): Promise<UserRecord | undefined>;
}
