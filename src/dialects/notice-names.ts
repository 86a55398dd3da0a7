/**
 * What peers of a room tell each other besides signals (S4), in the spelling with underscores. The server relays them by
 * one rule. `host`: only the room's host may; `own`: `user_id` in it is its sender.
 */
export const noticeNames: ReadonlyMap<string, { readonly host?: true; readonly own?: true }> = new Map(
  Object.entries({
    media_control: { own: true },
    screen_share_control: { own: true },
    hand_raise: { own: true },
    reaction: { own: true },
    participant_update: { own: true },
    network_stats: { own: true },
    quality_update: {},
    analytics_event: { own: true },
    virtual_background_update: { own: true },
    waiting_room_join: { own: true },
    file_share_offer: {},
    file_share_accept: {},
    file_share_reject: {},
    file_share_progress: {},
    file_share_complete: {},
    e2ee_key_exchange: {},
    e2ee_ratchet_update: {},
    recording_status: {},
    recording_control: { host: true },
    role_updated: { host: true },
    permission_updated: { host: true },
    room_settings_update: { host: true },
    hand_raise_queue: { host: true },
    waiting_room_admit: { host: true },
    waiting_room_reject: { host: true },
    breakout_room_create: { host: true },
    breakout_room_assign: { host: true },
    breakout_room_close: { host: true },
    live_stream_start: { host: true },
    live_stream_stop: { host: true },
  }),
);
