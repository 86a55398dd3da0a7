/** Where media of rooms with many peers goes. */
import { HttpMediaService } from '../adapters/http/http-media-service.js';
import { MemoryMediaPlacement } from '../adapters/memory/memory-media-placement.js';
import type { RedisConnection } from '../adapters/redis/redis-connection.js';
import { RedisMediaPlacement } from '../adapters/redis/redis-media-placement.js';
import type { Config } from '../config.js';
import type { MediaPlacement } from '../ports/media-placement.js';
import type { MediaService } from '../ports/media-service.js';
import type { Surroundings } from './surroundings.js';

interface MediaServices {
  readonly services: readonly MediaService[];
  readonly placement: MediaPlacement;
  readonly decision: string;
}

export function chooseMedia(
  { mediaServiceUrls, internalServiceKey: key }: Config,
  { clock, telemetry }: Surroundings,
  redis: RedisConnection | undefined,
): MediaServices {
  const placement = redis === undefined ? new MemoryMediaPlacement(clock) : new RedisMediaPlacement(redis);
  if (key === undefined || mediaServiceUrls.length === 0)
    return { services: [], placement, decision: 'Media: peer to peer only.' };
  const services = mediaServiceUrls.map(
    (baseUrl) => new HttpMediaService({ baseUrl, key: key.reveal(), telemetry }),
  );
  return {
    services,
    placement,
    decision: `Media: through ${mediaServiceUrls.join(', ')} for rooms in SFU mode.`,
  };
}
