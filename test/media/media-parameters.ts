/** What browsers say of their media, as mediasoup-client hands it on: valid for this service's routers. */
const extensions = {
  mid: { uri: 'urn:ietf:params:rtp-hdrext:sdes:mid', id: 4 },
  level: { uri: 'urn:ietf:params:rtp-hdrext:ssrc-audio-level', id: 1 },
  time: { uri: 'http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time', id: 2 },
  congestion: {
    uri: 'http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01',
    id: 3,
  },
  rid: { uri: 'urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id', id: 10 },
  repaired: { uri: 'urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id', id: 11 },
  rotation: { uri: 'urn:3gpp:video-orientation', id: 13 },
};

const videoFeedback = [
  { type: 'goog-remb' },
  { type: 'transport-cc' },
  { type: 'ccm', parameter: 'fir' },
  { type: 'nack' },
  { type: 'nack', parameter: 'pli' },
];

const opus = {
  mimeType: 'audio/opus',
  clockRate: 48_000,
  channels: 2,
  parameters: { minptime: 10, useinbandfec: 1 },
  rtcpFeedback: [{ type: 'transport-cc' }],
};

const rtx = (payloadType: number, apt: number) => ({
  mimeType: 'video/rtx',
  payloadType,
  clockRate: 90_000,
  parameters: { apt },
  rtcpFeedback: [],
});

const videoCodec = (name: string, payloadType: number, parameters: Record<string, string | number> = {}) => [
  { mimeType: `video/${name}`, payloadType, clockRate: 90_000, parameters, rtcpFeedback: videoFeedback },
  rtx(payloadType + 1, payloadType),
];

const videoExtensions = [
  extensions.mid,
  extensions.time,
  extensions.congestion,
  extensions.rid,
  extensions.repaired,
  extensions.rotation,
];

export type RtpParameters = ReturnType<typeof audioParameters> | ReturnType<typeof videoParameters>;

/** `n`: a number for each producer of a transport, so that nothing is used twice. */
export function audioParameters(n = 0) {
  return {
    mid: `a${n}`,
    codecs: [{ ...opus, payloadType: 111 }],
    headerExtensions: [extensions.mid, extensions.level, extensions.time, extensions.congestion],
    encodings: [{ ssrc: 100_000 + 10 * n, dtx: false }],
    rtcp: { cname: 'Vq0v2DRwXiNO7Bkw', reducedSize: true, mux: true },
  };
}

function video(mid: string, codecs: ReturnType<typeof videoCodec>, encodings: readonly object[]) {
  return {
    mid,
    codecs,
    headerExtensions: videoExtensions,
    encodings: [...encodings],
    rtcp: { cname: 'Vq0v2DRwXiNO7Bkw', reducedSize: true, mux: true },
  };
}

/** One VP8 stream with retransmission. */
export function videoParameters(n = 0) {
  const ssrc = 500_000 + 10 * n;
  return video(`v${n}`, videoCodec('VP8', 96), [{ ssrc, rtx: { ssrc: ssrc + 1 } }]);
}

/** Three VP8 streams of one picture. */
export function simulcastParameters(n = 0) {
  return video(
    `s${n}`,
    videoCodec('VP8', 96),
    ['r0', 'r1', 'r2'].map((rid, i) => ({ rid, scalabilityMode: 'L1T3', maxBitrate: 100_000 * 3 ** i })),
  );
}

/** One VP9 stream of three by three layers. */
export function layeredParameters(n = 0) {
  const encodings = [{ ssrc: 700_000 + 10 * n, scalabilityMode: 'L3T3_KEY' }];
  return video(`l${n}`, videoCodec('VP9', 98, { 'profile-id': 0 }), encodings);
}

export function h264Parameters(n = 0) {
  const parameters = { 'packetization-mode': 1, 'profile-level-id': '42e01f', 'level-asymmetry-allowed': 1 };
  return video(`h${n}`, videoCodec('H264', 102, parameters), [{ ssrc: 900_000 + 10 * n }]);
}

export function dtlsParameters() {
  const value = Array.from({ length: 32 }, (_, n) => (n + 16).toString(16).toUpperCase()).join(':');
  return { role: 'client', fingerprints: [{ algorithm: 'sha-256', value }] };
}

const capability = (kind: string, { uri, id }: { uri: string; id: number }) => ({
  kind,
  uri,
  preferredId: id,
  preferredEncrypt: false,
  direction: 'sendrecv',
});

/** Of a receiver that knows what these producers send. */
export function rtpCapabilities() {
  const codecs = [
    ...videoCodec('VP8', 101),
    ...videoCodec('VP9', 103, { 'profile-id': 0 }),
    ...videoCodec('H264', 107, {
      'packetization-mode': 1,
      'profile-level-id': '42e01f',
      'level-asymmetry-allowed': 1,
    }),
  ].map(({ payloadType, ...codec }) => ({
    ...codec,
    kind: 'video',
    preferredPayloadType: payloadType,
  }));
  return {
    codecs: [{ ...opus, kind: 'audio', preferredPayloadType: 100 }, ...codecs],
    headerExtensions: [
      capability('audio', { ...extensions.mid, id: 1 }),
      capability('video', { ...extensions.mid, id: 1 }),
      capability('audio', { ...extensions.time, id: 4 }),
      capability('video', { ...extensions.time, id: 4 }),
      capability('video', { ...extensions.congestion, id: 5 }),
    ],
  };
}
