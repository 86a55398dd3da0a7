/** What WebRTC stacks say of their media, bounded: shapes of ORTC as mediasoup 3 has them. Unknown fields are dropped. */
import { z } from 'zod';

const word = (most: number): z.ZodString => z.string().min(1).max(most);
const uint32 = z.int().min(0).max(4_294_967_295);
const small = (most: number): z.ZodInt => z.int().min(0).max(most);

export const mediaKinds = ['audio', 'video'] as const;
export type MediaKind = (typeof mediaKinds)[number];
export const transportDirections = ['send', 'recv'] as const;
export type TransportDirection = (typeof transportDirections)[number];

/** RFC 8122; hash function and hex pairs. */
const fingerprint = z.object({
  algorithm: z.enum(['sha-1', 'sha-224', 'sha-256', 'sha-384', 'sha-512']),
  value: z.string().regex(/^[\dA-F]{2}(:[\dA-F]{2}){19,63}$/i),
});

export const dtlsParametersSchema = z.object({
  role: z.enum(['auto', 'client', 'server']).optional(),
  fingerprints: z.array(fingerprint).min(1).max(16),
});

/** Format parameters and the like: names to plain values. */
const parameters = z
  .record(
    word(64),
    z.union([z.string().max(1_024), z.int().min(-2_147_483_648).max(4_294_967_295), z.boolean()]),
  )
  .refine((value) => Object.keys(value).length <= 64);

const rtcpFeedback = z.object({ type: word(32), parameter: z.string().max(64).optional() });
const mimeType = z.string().regex(/^(audio|video)\/[\w.+-]{1,32}$/i);

const codecParameters = z.object({
  mimeType,
  payloadType: small(127),
  clockRate: z.int().min(1).max(1_000_000),
  channels: z.int().min(1).max(255).optional(),
  parameters: parameters.optional(),
  rtcpFeedback: z.array(rtcpFeedback).max(32).optional(),
});

const headerExtension = z.object({
  uri: word(128),
  id: z.int().min(1).max(255),
  encrypt: z.boolean().optional(),
  parameters: parameters.optional(),
});

const encoding = z.object({
  ssrc: uint32.optional(),
  rid: z
    .string()
    .regex(/^[\w-]{1,16}$/)
    .optional(),
  codecPayloadType: small(127).optional(),
  rtx: z.object({ ssrc: uint32 }).optional(),
  dtx: z.boolean().optional(),
  scalabilityMode: z
    .string()
    .regex(/^[\w-]{1,16}$/)
    .optional(),
  scaleResolutionDownBy: z.number().min(1).max(64).optional(),
  maxBitrate: uint32.optional(),
  maxFramerate: z.number().min(0).max(1_000).optional(),
  adaptivePtime: z.boolean().optional(),
  priority: z.enum(['very-low', 'low', 'medium', 'high']).optional(),
  networkPriority: z.enum(['very-low', 'low', 'medium', 'high']).optional(),
  active: z.boolean().optional(),
});

export const rtpParametersSchema = z.object({
  mid: z.string().max(32).optional(),
  codecs: z.array(codecParameters).min(1).max(32),
  headerExtensions: z.array(headerExtension).max(32).optional(),
  encodings: z.array(encoding).min(1).max(16).optional(),
  rtcp: z
    .object({
      cname: z.string().max(256).optional(),
      reducedSize: z.boolean().optional(),
      mux: z.boolean().optional(),
    })
    .optional(),
});

const codecCapability = z.object({
  kind: z.enum(mediaKinds),
  mimeType,
  preferredPayloadType: small(127).optional(),
  clockRate: z.int().min(1).max(1_000_000),
  channels: z.int().min(1).max(255).optional(),
  parameters: parameters.optional(),
  rtcpFeedback: z.array(rtcpFeedback).max(32).optional(),
});

const extensionCapability = z.object({
  kind: z.enum(mediaKinds),
  uri: word(128),
  preferredId: z.int().min(1).max(255),
  preferredEncrypt: z.boolean().optional(),
  direction: z.enum(['sendrecv', 'sendonly', 'recvonly', 'inactive']).optional(),
});

export const rtpCapabilitiesSchema = z.object({
  codecs: z.array(codecCapability).max(64).optional(),
  headerExtensions: z.array(extensionCapability).max(64).optional(),
});

/** What a producer's owner says of it to the others (`{"source":"screen"}`); bounded, and not looked into. */
const maxAppDataChars = 1_024;
export const appDataSchema = z
  .record(z.string(), z.json())
  .refine((value) => JSON.stringify(value).length <= maxAppDataChars);

export type DtlsParameters = z.output<typeof dtlsParametersSchema>;
export type RtpParameters = z.output<typeof rtpParametersSchema>;
export type RtpCapabilities = z.output<typeof rtpCapabilitiesSchema>;
export type AppData = z.output<typeof appDataSchema>;
