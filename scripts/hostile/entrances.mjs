/** How the hostile peer comes in: where, what it says first, and how it knows that it sits. */
export const entrances = {
  flat: (ws, room, idToken) => ({
    url: ws,
    join: {
      hello: JSON.stringify({ type: 'join_room', peer_id: 'hostile', ...room, id_token: idToken }),
      welcomeType: 'room_joined',
    },
  }),
  gateway: (ws, room, idToken) => ({
    url: `${ws}/signal/${room.room_id}?presence=1&${doorQuery(room, idToken)}`,
    join: { welcomeType: 'welcome' },
  }),
  webrtc: (ws, room, idToken) => ({
    url: `${ws}/ws/webrtc/${room.room_id}?${doorQuery(room, idToken)}`,
    join: { welcomeType: 'room-state' },
  }),
};

function doorQuery(room, idToken) {
  return new URLSearchParams({ token: idToken, room_token: room.token, peer_id: 'hostile' }).toString();
}
