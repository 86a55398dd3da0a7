/** One's own picture and sound: of the camera and the microphone, or made up where there are none. */

export interface LocalMedia {
  readonly stream: MediaStream;
  /** Why it is made up; absent when it is real. */
  readonly madeUp?: string;
  /** Lets the devices go. */
  stop(): void;
}

const wanted = {
  audio: { echoCancellation: true, noiseSuppression: true },
  video: { width: { ideal: 640 }, height: { ideal: 480 } },
};

/** Call it where the user has just clicked: sound that is made up needs that. Never rejects. */
export async function openLocalMedia(name: string): Promise<LocalMedia> {
  const why = await whyNone();
  if (!(why instanceof MediaStream)) return { ...madeUpMedia(name), madeUp: why };
  return {
    stream: why,
    stop: () => {
      for (const track of why.getTracks()) track.stop();
    },
  };
}

async function whyNone(): Promise<MediaStream | string> {
  if (!window.isSecureContext) {
    return 'Browsers give the camera to pages over https or on localhost only.';
  }
  try {
    return await navigator.mediaDevices.getUserMedia(wanted);
  } catch (error) {
    const name = error instanceof DOMException ? error.name : '';
    if (name === 'NotAllowedError') return 'This page may not use the camera and the microphone.';
    if (name === 'NotFoundError') return 'There is no camera or no microphone.';
    return 'The camera or the microphone cannot be used just now.';
  }
}

const [width, height, framesPerSecond] = [320, 240, 15];
const [toneHz, loudness, beepEveryS, beepForS] = [440, 0.05, 2, 0.15];

function madeUpMedia(name: string): LocalMedia {
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [width, height];
  const hue = Math.floor(Math.random() * 360);
  draw(canvas, name, hue);
  const timer = setInterval(() => {
    draw(canvas, name, hue);
  }, 1_000 / framesPerSecond);
  const stream = canvas.captureStream(framesPerSecond);
  const audio = new AudioContext();
  stream.addTrack(beeps(audio));
  return {
    stream,
    stop: () => {
      clearInterval(timer);
      for (const track of stream.getTracks()) track.stop();
      void audio.close();
    },
  };
}

/** A disc that goes round, and who it is. */
function draw(canvas: HTMLCanvasElement, name: string, hue: number): void {
  const context = canvas.getContext('2d');
  if (context === null) return;
  const turn = (performance.now() / 3_000) * 2 * Math.PI;
  context.fillStyle = `hsl(${hue} 45% 30%)`;
  context.fillRect(0, 0, width, height);
  context.fillStyle = `hsl(${hue} 80% 75%)`;
  context.beginPath();
  context.arc(width / 2 + 80 * Math.cos(turn), height / 2 + 60 * Math.sin(turn), 24, 0, 2 * Math.PI);
  context.fill();
  context.fillStyle = 'white';
  context.font = '28px sans-serif';
  context.textAlign = 'center';
  context.fillText(name.slice(0, 16), width / 2, height / 2 + 10);
}

/** A short, soft tone every few seconds. */
function beeps(audio: AudioContext): MediaStreamTrack {
  const period = audio.createBuffer(1, audio.sampleRate * beepEveryS, audio.sampleRate);
  const samples = period.getChannelData(0);
  const beepSamples = Math.floor(audio.sampleRate * beepForS);
  for (let at = 0; at < beepSamples; at += 1) {
    const swell = Math.sin((Math.PI * at) / beepSamples);
    samples[at] = loudness * swell * Math.sin((2 * Math.PI * toneHz * at) / audio.sampleRate);
  }
  const source = audio.createBufferSource();
  source.buffer = period;
  source.loop = true;
  const sink = audio.createMediaStreamDestination();
  source.connect(sink);
  source.start();
  const [track] = sink.stream.getAudioTracks();
  if (track === undefined) throw new Error('the browser makes no sound');
  return track;
}
