import { WebSocket } from 'ws';

/** Who is told of what happens on a socket. */
export interface SocketListener {
  onFrame(bytes: Buffer, isBinary: boolean): void;
  /** A ping, which ws has answered, or a pong. */
  onControl(isPong: boolean): void;
  /** Its stack would say nothing of the client. */
  onError(code: string): void;
  onClose(): void;
}

/** A `ws` socket that knows its listener, so that all sockets share the same handler functions. */
export class PeerSocket extends WebSocket {
  listener: SocketListener | undefined;

  /** Hands events to `listener` from now on. */
  listen(listener: SocketListener): void {
    this.listener = listener;
    this.on('error', onError);
    this.on('message', onMessage);
    this.on('ping', onPing);
    this.on('pong', onPong);
    this.on('close', onClose);
  }
}

function onMessage(this: WebSocket, data: unknown, isBinary: boolean): void {
  // The binary type is ws's default, 'nodebuffer': data is one Buffer.
  if (this instanceof PeerSocket && Buffer.isBuffer(data)) this.listener?.onFrame(data, isBinary);
}

function onPing(this: WebSocket): void {
  if (this instanceof PeerSocket) this.listener?.onControl(false);
}

function onPong(this: WebSocket): void {
  if (this instanceof PeerSocket) this.listener?.onControl(true);
}

function onError(this: WebSocket, error: Error): void {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name;
  if (this instanceof PeerSocket) this.listener?.onError(code);
}

function onClose(this: WebSocket): void {
  if (this instanceof PeerSocket) this.listener?.onClose();
}
