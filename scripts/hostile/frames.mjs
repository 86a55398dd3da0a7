/** What is thrown at a server: frames that no dialect takes, whatever state the socket is in. */

/** @typedef {{ kind: string, data: string | Buffer }} HostileFrame */

const nested = (levels) => '['.repeat(levels) + ']'.repeat(levels);
const deep = 500;
/** Above `MAX_MESSAGE_BYTES`: it closes the socket 1009. */
const big = Buffer.alloc(2_000_000, 'x');

const badJson = [
  '{"type":',
  '',
  '\ufeff{}',
  '{"type":NaN}',
  'undefined',
  "{'type':'offer'}",
  '"\ud800',
  '{"a":1}}',
];

const types = ['constructor', '__proto__', 'toString', 'hasOwnProperty'];
const prototypeKeys = [
  ...types.map((type) => `{"type":"${type}","payload":{},"senderId":"x"}`),
  '{"__proto__":{"type":"offer","target":"anna"}}',
  '{"__proto__":{"type":"sdp"},"constructor":{"prototype":{"type":"offer"}}}',
];

/** For each dialect: what looks like its own and has fields of the wrong types, or nests 500 levels. */
const own = {
  flat: {
    'wrong types': [
      '{"type":"offer","target":[]}',
      '{"type":"offer","sender":{},"target":"anna"}',
      '{"type":42}',
      '{"type":"ack","count":"1"}',
      '{"type":"update_metadata","peer_id":"hostile","metadata":[]}',
      '[]',
      'null',
      '{"type":"heartbeat","id":7}',
    ],
    '500 levels': [
      nested(deep),
      `{"type":${nested(deep)}}`,
      `{"type":"webrtc_offer","to":"anna","x":${nested(deep)}}`,
      `{"type":"offer","target":${nested(deep)}}`,
    ],
  },
  gateway: {
    'wrong types': [
      '{"type":"sdp","senderId":7,"targetId":"anna","sdp":{"type":"offer","sdp":""}}',
      '{"type":"sdp","senderId":"hostile","sdp":"v=0"}',
      '{"type":"ice","senderId":"hostile","ice":{"candidate":7,"sdpMid":{},"sdpMLineIndex":"0"}}',
      '{"type":"kick","senderId":"hostile","targetId":[]}',
      '{"type":[]}',
      '[]',
      'null',
    ],
    '500 levels': [
      nested(deep),
      `{"type":${nested(deep)}}`,
      `{"type":"sdp","senderId":"hostile","sdp":${nested(deep)}}`,
      `{"type":"ice","senderId":"hostile","ice":{"candidate":${nested(deep)}}}`,
    ],
  },
  webrtc: {
    'wrong types': [
      '{"type":"offer","payload":[]}',
      '{"type":"offer","payload":{"sdp":7}}',
      '{"type":"ice-candidate","payload":{"candidate":{},"sdpMLineIndex":"x"}}',
      '{"type":"kick","payload":{"target_user_id":[]}}',
      '{"type":42,"payload":{}}',
      '[]',
      'null',
    ],
    '500 levels': [
      nested(deep),
      `{"type":${nested(deep)},"payload":{}}`,
      `{"type":"offer","payload":{"sdp":"v=0","x":${nested(deep)}}}`,
      `{"type":"chat-message","payload":{"content":${nested(deep)}}}`,
    ],
  },
};

export const dialects = Object.keys(own);

/**
 * Endlessly, the kinds in turn.
 * @param {'flat' | 'gateway' | 'webrtc'} dialect
 * @param {number} bigEvery each so many frames one is of 2 MB
 * @param {number} [smallFirst] none of the first so many is
 * @returns {Generator<HostileFrame, never>}
 */
export function* hostileFrames(dialect, bigEvery, smallFirst = 0) {
  const kinds = Object.entries({ 'bad JSON': badJson, ...own[dialect], 'prototype keys': prototypeKeys });
  for (let n = 1; ; n += 1) {
    if (n > smallFirst && n % bigEvery === 0) yield { kind: '2 MB', data: big };
    else {
      const [kind, frames] = kinds[n % kinds.length];
      yield { kind, data: frames[Math.floor(n / kinds.length) % frames.length] };
    }
  }
}
