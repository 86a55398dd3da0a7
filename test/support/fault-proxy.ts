import { EventEmitter, once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export type Fault =
  | { readonly kind: 'pass' | 'refuse' | 'hang' }
  /** Connections that are open now never answer again; new ones work. So does a path whose NAT forgot it. */
  | { readonly kind: 'hang-old' }
  /** What a client sends arrives this many milliseconds later. */
  | { readonly kind: 'delay'; readonly ms: number };

/** A TCP proxy on 127.0.0.1 with faults to order. Kept-alive connections feel a change of fault too. */
export class FaultProxy {
  private fault: Fault = { kind: 'pass' };
  private readonly clients = new Set<Socket>();
  /** So many were connected at a time. */
  mostClients = 0;
  private old = new WeakSet<Socket>();
  private readonly events = new EventEmitter().setMaxListeners(0);
  private readonly server = createServer((client) => {
    this.join(client);
  });

  private constructor(private targetPort: number) {}

  static async start(targetPort: number): Promise<FaultProxy> {
    const proxy = new FaultProxy(targetPort);
    proxy.server.listen(0, '127.0.0.1');
    await once(proxy.server, 'listening');
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${String((this.server.address() as AddressInfo).port)}`;
  }

  set(fault: Fault): void {
    this.fault = fault;
    if (fault.kind === 'refuse') for (const client of this.clients) client.resetAndDestroy();
    if (fault.kind === 'hang-old') this.old = new WeakSet(this.clients);
    this.events.emit('fault');
  }

  /** Who connects from now on finds the one at this port. */
  aim(targetPort: number): void {
    this.targetPort = targetPort;
  }

  /** Resolves when so many clients are connected. */
  async busy(clients: number): Promise<void> {
    while (this.clients.size < clients) await once(this.events, 'came');
  }

  /** Resolves when no client is connected. */
  async idle(): Promise<void> {
    while (this.clients.size > 0) await once(this.events, 'left');
  }

  async stop(): Promise<void> {
    this.set({ kind: 'refuse' });
    this.server.close();
    await once(this.server, 'close');
  }

  private join(client: Socket): void {
    if (this.fault.kind === 'refuse') {
      client.resetAndDestroy();
      return;
    }
    this.clients.add(client);
    this.mostClients = Math.max(this.mostClients, this.clients.size);
    this.events.emit('came');
    const target = connect(this.targetPort, '127.0.0.1');
    let turn = Promise.resolve();
    client.on('data', (chunk) => {
      turn = turn
        .then(() => this.letThrough(client))
        .then(() => {
          if (!target.destroyed) target.write(chunk);
        });
    });
    target.pipe(client);
    client.on('error', () => target.destroy());
    target.on('error', () => client.destroy());
    target.on('close', () => client.destroy());
    client.on('close', () => {
      target.destroy();
      this.clients.delete(client);
      this.events.emit('left');
    });
  }

  /** Resolves when the fault of the moment lets this client's request through. */
  private async letThrough(client: Socket): Promise<void> {
    while (this.fault.kind === 'hang' || (this.fault.kind === 'hang-old' && this.old.has(client))) {
      await once(this.events, 'fault');
    }
    if (this.fault.kind !== 'delay') return;
    const { ms } = this.fault;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.events.once('fault', () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}
