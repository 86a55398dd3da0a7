import { openOutgoing } from './file-sender.js';
import { prepareFolder } from './incoming-file.js';
import type { ServerAddress } from './room-member.js';

/** What worker and client have in common on the command line. */
export interface PeerOptions extends ServerAddress {
  readonly stunUrls: readonly string[];
  /** Paths of the files to send. */
  readonly send: readonly string[];
  readonly outFolder: string;
}

/** Finds out before anything else whether the files and the folder can be used. @throws ClientError `disk` */
export async function checkDisk(options: PeerOptions): Promise<void> {
  for (const path of options.send) {
    const { handle } = await openOutgoing(path);
    await handle.close();
  }
  await prepareFolder(options.outFolder);
}
