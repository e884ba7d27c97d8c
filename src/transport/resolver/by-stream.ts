import { framed } from '../../protocol/dns/message.ts';
import type { ByteStream, DatagramSocket, Network } from '../../world/ports/network.ts';
import { tcpAnswerMax } from './limits.ts';

/** Opens a connection to a name server, by whatever way. */
export type DialServer = (address: string, port: number) => Promise<ByteStream>;

/** Sockets for a resolver whose questions go by TCP alone (RFC 7766), where the way to the name server carries nothing else. */
export function byStream(dial: DialServer): Pick<Network, 'datagram' | 'dial'> {
  return {
    dial: ({ address, port }) => dial(address, port),
    datagram(_family, receive): Promise<DatagramSocket> {
      let stream: ByteStream | undefined;
      let closed = false;
      const send: DatagramSocket['send'] = (bytes, port, address) => {
        void dial(address, port).then(
          (opened) => {
            stream = opened;
            if (closed) return opened.destroy();
            let held: Buffer = Buffer.alloc(0);
            opened.start({
              data(chunk) {
                held = Buffer.concat([held, chunk]).subarray(0, tcpAnswerMax);
                if (closed || held.length < 2 || held.length < 2 + held.readUInt16BE(0)) return;
                receive(held.subarray(2, 2 + held.readUInt16BE(0)), { address, port });
              },
              end() {},
              drain() {},
              closed() {},
            });
            opened.write(framed(bytes));
          },
          () => undefined, // no answer: the question times out
        );
      };
      return Promise.resolve({
        send,
        close() {
          closed = true;
          stream?.destroy();
        },
      });
    },
  };
}
