/** The Internet: slow name servers and a mail exchanger. Ends with its standard input. */
import { createServer } from 'node:net';
import { startDnsServer } from '../../support/dns-server.ts';
import { addresses, zone } from './addresses.ts';

/** Most answers come soon, one of five takes its time. */
const delayMs = (): number => (Math.random() < 0.2 ? 300 + Math.random() * 500 : 20 + Math.random() * 60);

for (const address of addresses.nameServers) await startDnsServer(zone, { address, port: 53, delayMs });
const exchanger = createServer((socket) => {
  socket.on('error', () => socket.destroy());
  setTimeout(() => socket.writable && socket.write('220 mx.elsewhere.com ESMTP\r\n'), delayMs());
  socket.on('data', (chunk) => {
    const verb = chunk.toString('latin1').slice(0, 4).toUpperCase();
    setTimeout(() => {
      if (!socket.writable) return;
      if (verb === 'QUIT') socket.end('221 2.0.0 bye\r\n');
      else
        socket.write(
          verb === 'EHLO' ? '250-mx.elsewhere.com\r\n250-PIPELINING\r\n250 8BITMIME\r\n' : '250 2.0.0 ok\r\n',
        );
    }, delayMs());
  });
});
await new Promise<void>((resolve) => exchanger.listen(25, addresses.exchanger, resolve));
process.stdout.write('READY\n');
process.stdin.on('end', () => process.exit(0)).resume();
