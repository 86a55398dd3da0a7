/** What the browser measures of media that comes in (W3C webrtc-stats). */
export interface MediaFigures {
  readonly framesDecoded: number;
  readonly audioSamples: number;
  /** In words. */
  readonly text: string;
}

interface Entry {
  readonly id: string;
  readonly type: string;
  readonly kind?: string;
  readonly framesDecoded?: number;
  readonly frameWidth?: number;
  readonly frameHeight?: number;
  readonly framesPerSecond?: number;
  readonly totalSamplesReceived?: number;
  readonly selectedCandidatePairId?: string;
  readonly remoteCandidateId?: string;
  readonly localCandidateId?: string;
  readonly candidateType?: string;
  readonly protocol?: string;
}

export function figuresOf(reports: readonly RTCStatsReport[]): MediaFigures {
  const entries = reports.flatMap((report) => [...report.values()] as Entry[]);
  const inbound = (kind: string): Entry | undefined =>
    entries.find((entry) => entry.type === 'inbound-rtp' && entry.kind === kind);
  const [video, audio] = [inbound('video'), inbound('audio')];
  const { frameWidth, frameHeight, framesPerSecond } = video ?? {};
  const words = [
    frameWidth === undefined || frameHeight === undefined ? '' : `${frameWidth} × ${frameHeight}`,
    framesPerSecond === undefined ? '' : `${Math.round(framesPerSecond)} frames/s`,
    way(entries),
  ];
  return {
    framesDecoded: video?.framesDecoded ?? 0,
    audioSamples: audio?.totalSamplesReceived ?? 0,
    text: words.filter((word) => word !== '').join(', '),
  };
}

/** How it comes: straight, or through a relay. */
function way(entries: readonly Entry[]): string {
  const chosen = entries.find(({ type }) => type === 'transport')?.selectedCandidatePairId;
  const pair = entries.find(({ id }) => id === chosen);
  const ends = [pair?.localCandidateId, pair?.remoteCandidateId].map((wanted) =>
    entries.find(({ id }) => id === wanted),
  );
  const [local, remote] = ends;
  if (local?.protocol === undefined) return '';
  const isRelayed = [local, remote].some((end) => end?.candidateType === 'relay');
  return `${local.protocol.toUpperCase()}${isRelayed ? ' through TURN' : ''}`;
}
