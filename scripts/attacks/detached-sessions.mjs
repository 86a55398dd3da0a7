/** Sessions whose sockets break, by the hundred, and claims to them with wrong tokens. */
import { said, RawSocket } from './raw-socket.mjs';
import { repeat, seated } from './swarm.mjs';

export const attack = {
  what: 'sessions that join and break off at once, so that their seats are kept, and resumes of them with tokens that are guessed',
  stoppedBy: 'S8, F8',
  settings: () => ({ RATE_UPGRADES_PER_IP: '0' }),
  async run(target, terms) {
    let claims = 0;
    let resumed = 0;
    let turnedAway = 0;
    const dropped = await repeat(8, terms, 60, async (n) => {
      try {
        const socket = await seated(target, `d${n % 250}`);
        const session = /"session_id":"([^"]+)"/.exec(socket.text)?.[1] ?? 'x';
        socket.drop();
        const claim = await RawSocket.upgrade(target.wsPort);
        const resume = { session_id: session, resume_token: 'x'.repeat(32), count: 0 };
        claim.write(
          said({
            type: 'join_room',
            peer_id: `d${n % 250}`,
            ...target.room,
            id_token: target.idTokens[1],
            resume,
          }),
        );
        await claim.until(() => /"(room_joined|error)"/.test(claim.text));
        claims += 1;
        if (/"resumed":true/.test(claim.text)) resumed += 1;
        claim.drop();
      } catch {
        turnedAway += 1; // the room is full of those that are kept
      }
    });
    return { 'broken off': dropped, claims, 'resumed by a guess': resumed, 'turned away': turnedAway };
  },
};
