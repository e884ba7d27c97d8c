/** The Internet: slow name servers and mail exchangers, each with a name of its own; further lines of its zone are its argument. Ends with its standard input. */
import { createServer } from 'node:net';
import { startDnsServer } from '../../support/dns-server.ts';
import { addresses, zone } from './addresses.ts';

/** Most answers come soon, one of five takes its time. */
const delayMs = (): number => (Math.random() < 0.2 ? 300 + Math.random() * 500 : 20 + Math.random() * 60);

for (const address of addresses.nameServers)
  await startDnsServer(zone + (process.argv[2] ?? ''), { address, port: 53, delayMs });
const names: Readonly<Record<string, string>> = {
  [addresses.large[0]]: 'in.gmail.com',
  [addresses.large[1]]: 'in.outlook.com',
};
const exchanger = createServer((socket) => {
  const name = names[socket.localAddress ?? ''] ?? 'mx.elsewhere.com';
  socket.on('error', () => socket.destroy());
  setTimeout(() => socket.writable && socket.write(`220 ${name} ESMTP\r\n`), delayMs());
  socket.on('data', (chunk) => {
    const verb = chunk.toString('latin1').slice(0, 4).toUpperCase();
    setTimeout(() => {
      if (!socket.writable) return;
      if (verb === 'QUIT') socket.end('221 2.0.0 bye\r\n');
      else
        socket.write(
          verb === 'EHLO' ? `250-${name}\r\n250-PIPELINING\r\n250-STARTTLS\r\n250 8BITMIME\r\n` : '250 2.0.0 ok\r\n',
        );
    }, delayMs());
  });
});
await new Promise<void>((resolve) => exchanger.listen(25, '0.0.0.0', resolve));
process.stdout.write('READY\n');
process.stdin.on('end', () => process.exit(0)).resume();
