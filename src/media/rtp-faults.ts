/**
 * What is wrong with media parameters beyond their shape. The library hands much of this to its worker as it comes, and a
 * worker is shared by many rooms: what makes no sense is refused before. Each function gives a sentence that begins
 * with the field, or undefined.
 */
import type { DtlsParameters, MediaKind, RtpCapabilities, RtpParameters } from '../protocol/rtp-schemas.js';
import { codecNames } from './router-codecs.js';

type Codec = RtpParameters['codecs'][number];
type Encoding = NonNullable<RtpParameters['encodings']>[number];
type Fault = string | undefined;

/** Layers of one stream, or of one of several: browsers have three of each at most. W3C webrtc-svc. */
const scalabilityModes = /^[LS][1-3]T[1-3]h?(_KEY(_SHIFT)?)?$/;
const oneSpatialLayer = /^[LS]1T/;
const mostEncodings = 4;

export function rtpParametersFault(kind: MediaKind, parameters: RtpParameters): Fault {
  const { codecs, encodings = [], headerExtensions = [], mid } = parameters;
  return (
    textFault('rtpParameters', parameters) ??
    codecsFault(kind, codecs) ??
    duplicateFault(
      'rtpParameters.headerExtensions',
      'id',
      headerExtensions.map(({ id }) => id),
    ) ??
    (mid === '' ? 'rtpParameters.mid is empty: leave it out' : undefined) ??
    encodingsFault(codecs, encodings, mid !== undefined)
  );
}

/** Bytes of each hash. */
const hashBytes = { 'sha-1': 20, 'sha-224': 28, 'sha-256': 32, 'sha-384': 48, 'sha-512': 64 } as const;

export function dtlsParametersFault({ fingerprints }: DtlsParameters): Fault {
  const wrong = fingerprints.find(({ algorithm, value }) => (value.length + 1) / 3 !== hashBytes[algorithm]);
  return wrong && `dtlsParameters.fingerprints has a value that is no ${wrong.algorithm}`;
}

export function rtpCapabilitiesFault(capabilities: RtpCapabilities): Fault {
  return (
    textFault('rtpCapabilities', capabilities) ??
    capabilities.codecs?.map((codec) => parametersFault('rtpCapabilities.codecs', codec)).find(isFault)
  );
}

const isFault = (fault: Fault): fault is string => fault !== undefined;

/** These words come from SDP: printable ASCII. The worker cannot read all else that JSON can say. */
function textFault(field: string, value: unknown): Fault {
  if (typeof value === 'string') {
    return /^[ -~]*$/.test(value) ? undefined : `${field} has a character that is not printable ASCII`;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [name, inner] of Object.entries(value)) {
    const fault = textFault(field, name) ?? textFault(field, inner);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function duplicateFault(field: string, what: string, values: readonly unknown[]): Fault {
  return new Set(values).size === values.length ? undefined : `${field} has the same ${what} twice`;
}

const isRtx = ({ mimeType }: Pick<Codec, 'mimeType'>): boolean => /\/rtx$/i.test(mimeType);

function parametersFault(
  field: string,
  { mimeType, parameters = {} }: Pick<Codec, 'mimeType' | 'parameters'>,
): Fault {
  if (Object.values(parameters).some((value) => typeof value === 'boolean')) {
    return `${field} has a parameter that is neither text nor number`;
  }
  const { apt } = parameters;
  if (apt !== undefined && typeof apt !== 'number') return `${field} has an apt that is no number`;
  if (isRtx({ mimeType }) && apt === undefined) return `${field} has an rtx without apt`;
  return undefined;
}

function codecsFault(kind: MediaKind, codecs: readonly Codec[]): Fault {
  const field = 'rtpParameters.codecs';
  const media = codecs.filter((codec) => !isRtx(codec)).map(({ payloadType }) => payloadType);
  if (media.length === 0) return `${field} has no codec but rtx`;
  for (const codec of codecs) {
    const name = codec.mimeType.toLowerCase();
    if (!name.startsWith(`${kind}/`)) return `${field} has a codec that is not ${kind}`;
    if (!codecNames.has(name)) return `${field} has a codec that this router does not support`;
    const fault = parametersFault(field, codec);
    if (fault !== undefined) return fault;
    const apt = codec.parameters?.['apt'];
    if (isRtx(codec) && !media.some((payloadType) => payloadType === apt)) {
      return `${field} has an rtx whose apt is no payload type of these codecs`;
    }
  }
  return duplicateFault(
    field,
    'payloadType',
    codecs.map(({ payloadType }) => payloadType),
  );
}

function encodingsFault(codecs: readonly Codec[], encodings: readonly Encoding[], hasMid: boolean): Fault {
  const field = 'rtpParameters.encodings';
  const ssrcs = encodings.flatMap(({ ssrc, rtx }) => [ssrc, rtx?.ssrc]).filter((ssrc) => ssrc !== undefined);
  const rids = encodings.map(({ rid }) => rid).filter((rid) => rid !== undefined);
  if (encodings.length > mostEncodings) return `${field} has more than ${mostEncodings} entries`;
  if (ssrcs.includes(0)) return `${field} has the ssrc 0`;
  const isNamed = ({ ssrc, rid }: Encoding): boolean => ssrc !== undefined || rid !== undefined;
  if (encodings.length > 1 && !encodings.every(isNamed)) return `${field} needs an ssrc or rid in each entry`;
  if (!hasMid && !encodings.some(isNamed)) return `${field} needs an ssrc or rid where there is no mid`;
  for (const { codecPayloadType, scalabilityMode } of encodings) {
    const isMedia = (codec: Codec): boolean => !isRtx(codec) && codec.payloadType === codecPayloadType;
    if (codecPayloadType !== undefined && !codecs.some(isMedia)) {
      return `${field} has a codecPayloadType that is none of the media codecs`;
    }
    if (scalabilityMode === undefined) continue;
    if (!scalabilityModes.test(scalabilityMode)) return `${field} has an unknown scalabilityMode`;
    if (encodings.length > 1 && !oneSpatialLayer.test(scalabilityMode)) {
      return `${field} has spatial layers within one of several streams`;
    }
  }
  return duplicateFault(field, 'ssrc', ssrcs) ?? duplicateFault(field, 'rid', rids);
}
