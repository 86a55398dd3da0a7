/** A file that arrived, here or at the other end. Times in milliseconds, sizes in bytes. */
export interface TransferRecord {
  readonly direction: 'sent' | 'received';
  /** The path that it was read from or written to. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly durationMs: number;
  /** The other end said that it has the same SHA-256; peers of S3 say nothing. */
  readonly isConfirmed: boolean;
}

/** Told of the files as they come and go; the progress display. */
export interface TransferObserver {
  began(direction: TransferRecord['direction'], name: string, sizeBytes: number): void;
  progressed(direction: TransferRecord['direction'], doneBytes: number): void;
  finished(record: TransferRecord): void;
}
