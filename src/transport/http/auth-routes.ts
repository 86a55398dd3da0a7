import { SignalingError } from '../../protocol/errors.js';
import type { HttpParts } from './desk.js';
import { signInRefusal } from './failure.js';
import { jsonReply, type Reply } from './reply.js';
import type { Route } from './route.js';

/** `POST /anonymous-signin`: a throw-away user and its token. Any body is ignored. */
export function authRoutes({ desk, settings }: HttpParts): readonly Route[] {
  const signIn = async (): Promise<Reply> => {
    try {
      const { idToken, username } = await desk.signIn();
      const reply = jsonReply(200, { id_token: idToken, username });
      return { ...reply, noted: { event: 'signed_in', fields: { user: username } } };
    } catch (error) {
      const code = error instanceof SignalingError ? error.code : 'INTERNAL';
      return { ...signInRefusal(error), noted: { event: 'sign_in_failed', fields: { code } } };
    }
  };
  const limit = { name: 'signins', limit: settings.signInsPerMinute, perMs: 60_000 };
  return [{ path: '/anonymous-signin', method: 'POST', answer: signIn, limit }];
}
