/** What browsers are told not to do with our answers (SPEC V1, V2). */
import type { IncomingMessage, ServerResponse } from 'node:http';
import helmet from 'helmet';
import type { TrustedProxies } from '../client-address.js';
import { isSecure } from './scheme.js';

/** A year: what browsers ask for, and no subdomains, because what else lives below the name is not ours to say. */
const hstsMaxAgeS = 31_536_000;

/** JSON and text: nothing may run, be loaded, or frame it. */
const answerPolicy = { 'default-src': ["'none'"], 'frame-ancestors': ["'none'"] };

/** Pages of our own: scripts, styles and images from here, requests and sockets to here, media from memory. */
const pagePolicy: Readonly<Record<string, readonly string[]>> = {
  'default-src': ["'none'"],
  'script-src': ["'self'"],
  'style-src': ["'self'"],
  'img-src': ["'self'", 'data:'],
  'media-src': ["'self'", 'blob:'],
  'connect-src': ["'self'", 'ws:', 'wss:'],
  'base-uri': ["'none'"],
  'form-action': ["'none'"],
  'frame-ancestors': ["'none'"],
};

const closedFeatures = ['geolocation', 'payment', 'usb', 'serial', 'browsing-topics'];
const mediaFeatures = ['camera', 'microphone', 'display-capture'];
const features = (names: readonly string[], value: string): readonly string[] =>
  names.map((name) => `${name}=${value}`);

/** What a page of ours says instead, in its `Reply.headers`; it may use camera, microphone and screen. */
export const pageHeaders: Readonly<Record<string, string>> = {
  'content-security-policy': Object.entries(pagePolicy)
    .map(([name, values]) => [name, ...values].join(' '))
    .join('; '),
  'permissions-policy': [...features(closedFeatures, '()'), ...features(mediaFeatures, '(self)')].join(', '),
};

const common = helmet({
  contentSecurityPolicy: { useDefaults: false, directives: answerPolicy },
  crossOriginEmbedderPolicy: false,
  crossOriginOpenerPolicy: { policy: 'same-origin' },
  crossOriginResourcePolicy: { policy: 'same-origin' },
  originAgentCluster: false,
  referrerPolicy: { policy: 'no-referrer' },
  strictTransportSecurity: false,
  xContentTypeOptions: true,
  xDnsPrefetchControl: false,
  xDownloadOptions: false,
  xFrameOptions: { action: 'deny' },
  xPermittedCrossDomainPolicies: false,
  xPoweredBy: false,
  xXssProtection: false,
});
const hsts = helmet.strictTransportSecurity({ maxAge: hstsMaxAgeS, includeSubDomains: false });
const closed = features([...closedFeatures, ...mediaFeatures], '()').join(', ');

/**
 * Express middleware. What a route says in its own headers counts instead. `isGuest`: the host's name is the
 * application's, and so is whether it is to be reached by TLS only.
 */
export function securityHeaders(
  trustedProxies: TrustedProxies,
  isGuest: boolean,
): (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => void {
  return (request, response, next) => {
    response.setHeader('Cache-Control', 'no-store');
    response.setHeader('Permissions-Policy', closed);
    const done = (error?: unknown): void => {
      if (error !== undefined || isGuest || !isSecure(request, trustedProxies)) next(error);
      else hsts(request, response, next);
    };
    common(request, response, done);
  };
}
