/** What is the operator's (metrics, the dashboard) is for who shows its token, or comes from its networks. */
import type { IncomingMessage } from 'node:http';
import type { Audit } from '../../ports/audit.js';
import { sameSecret } from '../../core/secret.js';
import { clientAddress, isFrom, type TrustedProxies } from '../client-address.js';
import type { HttpSettings } from './desk.js';
import { isForeignPage } from './foreign-page.js';
import { detailReply, type Reply } from './reply.js';

type GateSettings = Pick<HttpSettings, 'adminToken' | 'operatorNetworks'> & {
  readonly trustedProxies: TrustedProxies;
};

const challenge = { 'www-authenticate': 'Bearer realm="operator"' };
const howTo =
  'This is for the operator: send ADMIN_TOKEN as Authorization: Bearer, or add your network to OPERATOR_NETWORKS';

/** `undefined`: come in. A token that is shown decides alone, and is compared in constant time. */
export function refuseStranger(
  request: IncomingMessage,
  settings: GateSettings,
  audit: Audit,
): Reply | undefined {
  const refusal = judge(request, settings);
  const address = clientAddress(request, settings.trustedProxies);
  if (refusal === undefined) audit.record('operator_seen', { address });
  else audit.record('operator_refused', { address, code: String(refusal.status) });
  return refusal;
}

function judge(request: IncomingMessage, settings: GateSettings): Reply | undefined {
  const shown = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1];
  const { adminToken, operatorNetworks, trustedProxies } = settings;
  if (shown !== undefined && adminToken !== undefined) {
    return sameSecret(shown, adminToken.reveal())
      ? undefined
      : { ...detailReply(401, 'This is not ADMIN_TOKEN', challenge), hasWrongKey: true };
  }
  if (isFrom(request, trustedProxies, operatorNetworks) && !isForeignPage(request, trustedProxies))
    return undefined;
  return adminToken === undefined ? detailReply(403, howTo) : detailReply(401, howTo, challenge);
}
