/**
 * Noise whose messages leave together. The stock encrypter hands the transport a message as its length, the ciphertext
 * of each array that it was made of and the tag, and TCP writes each of them by a call of the system. Here the socket
 * gathers what is sent in one turn, and writes it by one. Invariant: the bytes and their order are the same, and none
 * waits beyond the turn.
 */
import { Socket } from "node:net";
import type { ConnectionEncrypter, MessageStream } from "@libp2p/interface";

export function wholeMessages<Components, Extensions>(
  open: (components: Components) => ConnectionEncrypter<Extensions>,
): (components: Components) => ConnectionEncrypter<Extensions> {
  return (components) => {
    const encrypter = open(components);
    const [inbound, outbound] = [encrypter.secureInbound, encrypter.secureOutbound];
    encrypter.secureInbound = (stream, options) => inbound.call(encrypter, gathering(stream), options);
    encrypter.secureOutbound = (stream, options) => outbound.call(encrypter, gathering(stream), options);
    return encrypter;
  };
}

function gathering(stream: MessageStream): MessageStream {
  const socket = "socket" in stream ? stream.socket : undefined;
  if (!(socket instanceof Socket)) return stream; // another transport, or a later version of this one
  const send = stream.send.bind(stream);
  let isGathering = false;
  const leave = (): void => {
    isGathering = false;
    socket.uncork();
  };
  stream.send = (data) => {
    if (!isGathering) {
      isGathering = true;
      socket.cork();
      process.nextTick(leave);
    }
    return send(data);
  };
  return stream;
}
