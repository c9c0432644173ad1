/** Bytes that went over the connections with each peer, as they are on the wire. */
import type { MultiaddrConnection } from "@libp2p/interface";

export interface Traffic {
  readonly receivedBytes: number;
  readonly sentBytes: number;
}

interface Count {
  receivedBytes: number;
  sentBytes: number;
}

export class ByteMeter {
  readonly #counts = new Map<string, Count>();
  readonly #total: Count = { receivedBytes: 0, sentBytes: 0 };

  get total(): Traffic {
    return { ...this.#total };
  }
  of(peer: string): Traffic {
    return { ...(this.#counts.get(peer) ?? { receivedBytes: 0, sentBytes: 0 }) };
  }
  forget(peer: string): void {
    this.#counts.delete(peer);
  }

  /** A connection that is encrypted already: its bytes have a reader, so one more takes none from it. */
  measure(peer: string, connection: MultiaddrConnection): void {
    const count = this.#counts.get(peer) ?? { receivedBytes: 0, sentBytes: 0 };
    this.#counts.set(peer, count);
    connection.addEventListener("message", ({ data }) => {
      count.receivedBytes += data.byteLength;
      this.#total.receivedBytes += data.byteLength;
    });
    const send = connection.send.bind(connection);
    connection.send = (data) => {
      count.sentBytes += data.byteLength;
      this.#total.sentBytes += data.byteLength;
      return send(data);
    };
  }
}
