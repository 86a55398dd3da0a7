import type { IceConfig } from '../../protocol/ice.js';
import type { Json, JsonObject } from '../../protocol/records.js';

/** S4's reply to `GET /webrtc/config`: what it names is what `RTCConfiguration` names. */
export function webrtcIceConfig(ice: IceConfig): JsonObject {
  return {
    ice_servers: webrtcIceServers(ice),
    ice_transport_policy: ice.transportPolicy,
    bundle_policy: 'balanced',
    rtcp_mux_policy: 'require',
  };
}

/** `username` and `credential` are there, or null. */
export function webrtcIceServers({ servers }: IceConfig): readonly Json[] {
  return servers.map(({ urls, username, credential }) => ({
    urls,
    username: username ?? null,
    credential: credential ?? null,
  }));
}
