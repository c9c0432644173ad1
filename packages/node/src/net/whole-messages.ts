/**
 * Noise whose messages leave in one piece. The stock encrypter hands the transport a message as its length, the
 * ciphertext of each array that it was made of and the tag; TCP would write each of them by a call of the system. Here
 * they are copied together first, which costs less. Invariant: the bytes and their order are the same.
 */
import type { ConnectionEncrypter, MessageStream } from "@libp2p/interface";

export function wholeMessages<Components, Extensions>(
  open: (components: Components) => ConnectionEncrypter<Extensions>,
): (components: Components) => ConnectionEncrypter<Extensions> {
  return (components) => {
    const encrypter = open(components);
    const [inbound, outbound] = [encrypter.secureInbound, encrypter.secureOutbound];
    encrypter.secureInbound = (stream, options) => inbound.call(encrypter, joined(stream), options);
    encrypter.secureOutbound = (stream, options) => outbound.call(encrypter, joined(stream), options);
    return encrypter;
  };
}

function joined(stream: MessageStream): MessageStream {
  const send = stream.send.bind(stream);
  stream.send = (data) => send(data instanceof Uint8Array ? data : data.subarray());
  return stream;
}
