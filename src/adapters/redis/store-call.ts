import { SignalingError } from '../../protocol/errors.js';

/** A store's call: rejects with `STORE_UNAVAILABLE` for whatever Redis said, and with what the caller is told. */
export async function storeCall<Result>(call: () => Promise<Result>): Promise<Result> {
  try {
    return await call();
  } catch (cause) {
    if (cause instanceof SignalingError) throw cause;
    throw new SignalingError('STORE_UNAVAILABLE', undefined, { cause });
  }
}
