import { ClientError } from './client-error.js';

/**
 * The part of the W3C interfaces that this client uses. The package's own types are those of the DOM library, which
 * a Node project does not load.
 */
export interface DataChannel {
  readonly readyState: 'connecting' | 'open' | 'closing' | 'closed';
  readonly bufferedAmount: number;
  binaryType: 'arraybuffer';
  send(data: string | Uint8Array): void;
  close(): void;
  addEventListener(type: 'open' | 'close', listener: () => void): void;
  addEventListener(type: 'message', listener: (event: { readonly data: string | ArrayBuffer }) => void): void;
}

export interface SessionDescription {
  readonly type: 'offer' | 'answer';
  readonly sdp: string;
}

export interface PeerConnection {
  readonly connectionState: 'new' | 'connecting' | 'connected' | 'disconnected' | 'failed' | 'closed';
  readonly iceGatheringState: 'new' | 'gathering' | 'complete';
  readonly localDescription: SessionDescription | null;
  readonly sctp: { readonly maxMessageSize: number } | null;
  createDataChannel(label: string): DataChannel;
  createOffer(): Promise<SessionDescription>;
  createAnswer(): Promise<SessionDescription>;
  setLocalDescription(description: SessionDescription): Promise<void>;
  setRemoteDescription(description: SessionDescription): Promise<void>;
  addIceCandidate(candidate: unknown): Promise<void>;
  getStats(): Promise<ReadonlyMap<string, { readonly type: string; readonly bytesSent?: number }>>;
  close(): void;
  addEventListener(type: 'connectionstatechange' | 'icegatheringstatechange', listener: () => void): void;
  addEventListener(type: 'datachannel', listener: (event: { readonly channel: DataChannel }) => void): void;
}

export interface WebRtc {
  readonly RTCPeerConnection: new (configuration: {
    readonly iceServers: readonly { readonly urls: string }[];
  }) => PeerConnection;
}

/**
 * The WebRTC engine. It is a native module, so it stays outside the bundle and may be missing.
 * @throws ClientError `usage` that says what to install
 */
export async function loadWebRtc(): Promise<WebRtc> {
  let loaded: unknown;
  try {
    loaded = await import('@roamhq/wrtc');
  } catch (error) {
    throw new ClientError('usage', 'the WebRTC engine is not installed', 'npm install @roamhq/wrtc', {
      cause: error,
    });
  }
  const engine = (loaded as { readonly default?: unknown }).default;
  if (typeof engine !== 'object' || engine === null || !('RTCPeerConnection' in engine)) {
    throw new ClientError('usage', 'the WebRTC engine cannot be used', 'npm install @roamhq/wrtc@0.10');
  }
  return engine as WebRtc;
}
