// MTA benchmark harness (Linux, Node >= 20, root). See ../README.md.
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { performance } from 'node:perf_hooks';

const LIB = path.dirname(fileURLToPath(import.meta.url));
const BENCH = path.dirname(LIB);
const TMP = process.env.TMPDIR || '/tmp';
const ROOT = process.env.BENCH_ROOT || path.join(TMP, 'mta-bench');
const LOCK = process.env.BENCH_LOCK ?? path.join(TMP, 'measure.lock');   // empty string: no lock
process.env.BENCH_ROOT = ROOT;
process.env.BENCH_LIB = LIB;
const PK = path.join(ROOT, 'pkgs/postfix');
const LOADENV = { ...process.env, LD_LIBRARY_PATH: path.join(PK, 'usr/lib/postfix'), MAIL_CONFIG: path.join(ROOT, 'loadconf') };
const sleep = (ms) => new Promise((r) => setTimeout(r, ms));
const MANAGED = new Set(['ims', 'postfix', 'exim', 'opensmtpd', 'haraka', 'chasquid', 'node']);

// ---------------------------------------------------------------- command line
const argv = process.argv.slice(2);
const cmd = argv.shift();
const { values: o, positionals: pos } = parseArgs({ args: argv, allowPositionals: true, options: {
  size: { type: 'string', default: '4096' }, sessions: { type: 'string', default: '20' },
  count: { type: 'string', default: '5000' }, runs: { type: 'string', default: '3' },
  keep: { type: 'boolean', default: false },              // many messages per session (smtp-source -d)
  target: { type: 'string' }, a: { type: 'string' }, b: { type: 'string' },
  pid: { type: 'string' },                                // CPU/RSS of an unmanaged target: root of its process tree
  port: { type: 'string', default: '12525' }, 'sink-port': { type: 'string', default: '12626' },
  warm: { type: 'string', default: '200' }, mode: { type: 'string' }, conns: { type: 'string', default: '2000' }, batch: { type: 'string', default: '50' },
  json: { type: 'string' }, label: { type: 'string' }, seconds: { type: 'string', default: '3' },
  'sink-max': { type: 'string', default: '' },
} });
const N = (k) => Number(o[k]);

// ---------------------------------------------------------------- measuring lock
async function locked(fn) {
  if (!LOCK) return fn();
  const p = spawn('flock', ['-x', LOCK, 'sh', '-c', 'echo go; cat >/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] });
  await new Promise((res, rej) => { p.stdout.once('data', res); p.once('error', rej); });
  try { return await fn(); } finally { p.stdin.end(); await new Promise((r) => p.once('exit', r)); }
}

// ---------------------------------------------------------------- process accounting
const V1 = '/sys/fs/cgroup/cpuacct', V2 = '/sys/fs/cgroup';
const cgKind = fs.existsSync(path.join(V1, 'cpuacct.usage')) ? 1 : fs.existsSync(path.join(V2, 'cgroup.controllers')) ? 2 : 0;
function cgMake(name) {
  if (!cgKind) return null;
  const d = path.join(cgKind === 1 ? V1 : V2, `mtabench-${process.pid}-${name}`);
  fs.mkdirSync(d, { recursive: true });
  return d;
}
const cgPids = (d) => fs.readFileSync(path.join(d, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean).map(Number);
function cgCpu(d) {
  if (cgKind === 1) return Number(fs.readFileSync(path.join(d, 'cpuacct.usage'), 'utf8')) / 1e9;
  return Number(/usage_usec (\d+)/.exec(fs.readFileSync(path.join(d, 'cpu.stat'), 'utf8'))[1]) / 1e6;
}
function treePids(root) {
  const kids = new Map();
  for (const e of fs.readdirSync('/proc')) if (/^\d+$/.test(e)) {
    try { const st = fs.readFileSync(`/proc/${e}/stat`, 'utf8'); const f = st.slice(st.lastIndexOf(')') + 2).split(' ');
      const pp = Number(f[1]); if (!kids.has(pp)) kids.set(pp, []); kids.get(pp).push(Number(e)); } catch {}
  }
  const out = [], todo = [root];
  while (todo.length) { const p = todo.pop(); out.push(p); for (const k of kids.get(p) ?? []) todo.push(k); }
  return out;
}
function treeCpu(root) {           // utime + stime + those of reaped children
  let t = 0;
  for (const p of treePids(root)) try {
    const st = fs.readFileSync(`/proc/${p}/stat`, 'utf8'); const f = st.slice(st.lastIndexOf(')') + 2).split(' ');
    t += Number(f[11]) + Number(f[12]) + Number(f[13]) + Number(f[14]);
  } catch {}
  return t / 100;
}
function memOf(pids, pss = true) {
  let rss = 0, p = 0, anon = 0, n = 0;
  for (const pid of pids) try {
    const f = fs.readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ');
    rss += Number(f[1]) * 4; anon += (Number(f[1]) - Number(f[2])) * 4; n++;
    if (pss) p += Number(/^Pss:\s+(\d+)/m.exec(fs.readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))[1]);
  } catch {}
  return { rss: rss / 1024, pss: p / 1024, anon: anon / 1024, n };   // MiB
}
function busy() {                   // CPU-seconds used by the whole machine (incl. stolen time)
  const c = /^cpu +(.*)$/m.exec(fs.readFileSync('/proc/stat', 'utf8'))[1].split(' ').map(Number);
  return (c[0] + c[1] + c[2] + c[5] + c[6] + c[7]) / 100;
}
const NCPU = os.cpus().length;
const foreign = (b0, wall, ...own) => Math.max(0, (busy() - b0 - own.reduce((x, y) => x + (y || 0), 0)) / (wall * NCPU) * 100);   // % of the machine used by others (and kernel threads)
class Acct {                        // what: {cg} or {pid}
  constructor(what) { this.what = what; }
  pids() { return this.what?.cg ? cgPids(this.what.cg) : this.what?.pid ? treePids(this.what.pid) : []; }
  cpu() { return this.what?.cg ? cgCpu(this.what.cg) : this.what?.pid ? treeCpu(this.what.pid) : NaN; }
  start() {
    this.c0 = this.cpu(); this.peak = { rss: 0, pss: 0, anon: 0, n: 0 };
    const samp = () => { const m = memOf(this.pids()); for (const k in m) this.peak[k] = Math.max(this.peak[k], m[k]); };
    samp(); this.t = setInterval(samp, 1000); this.samp = samp;
  }
  stop() { clearInterval(this.t); const c = this.cpu() - this.c0; this.samp(); return { cpu: c, ...this.peak }; }
}

// ---------------------------------------------------------------- peers
const portOpen = (host, port) => new Promise((res) => {
  const s = net.connect({ host, port }); let buf = '';
  s.setTimeout(3000, () => { s.destroy(); res(false); });
  s.on('error', () => res(false));
  s.on('data', (d) => { buf += d; if (buf.includes('\n')) { s.removeAllListeners('data'); s.resume(); s.end('QUIT\r\n'); res(buf.startsWith('220')); } });
});
async function waitPort(host, port, ms = 20000, step = 20) {
  const t = performance.now();
  while (performance.now() - t < ms) { if (await portOpen(host, port)) return true; await sleep(step); }
  return false;
}
// A target: "postfix" | "cmd:<shell command with {port} {sinkport} {dir} {mode}>" | "HOST:PORT"
const live = new Set();                  // managed targets and sinks now running; a signal must not leave them behind
for (const sig of ['SIGINT', 'SIGTERM', 'uncaughtException']) process.on(sig, async (e) => {
  if (e instanceof Error) console.error(e);
  for (const x of live) await x.stop();
  process.exit(130);
});
class Target {
  constructor(spec, { mode = 'hold', port = N('port'), name } = {}) {
    const at = /^(.*)@(\d+)$/.exec(spec);               // postfix@2000: that many messages for this target
    if (at) { spec = at[1]; this.count = Number(at[2]); }
    this.spec = spec; this.mode = mode; this.port = port; this.host = '127.0.0.1';
    this.sink = N('sink-port');
    let env = {};
    let s = spec;
    const m = /^([a-z]+)\[(.*)\]$/.exec(spec);          // node[NODE_PROCS=2,NODE_STORE=gc]
    if (m) { s = m[1]; env = Object.fromEntries(m[2].split(',').map((x) => x.split('='))); }
    this.env = env;
    if (MANAGED.has(s)) { this.kind = 'peer'; this.peer = s; }
    else if (spec.startsWith('cmd:')) { this.kind = 'cmd'; this.peer = name || 'cmd'; }
    else { this.kind = 'ext'; [this.host, this.port] = spec.split(':'); this.port = Number(this.port); this.peer = 'target';
      this.acct = new Acct(o.pid ? { pid: Number(o.pid) } : null); }
  }
  get addr() { return `${this.host}:${this.port}`; }
  async start({ wipe = true } = {}) {
    if (this.kind === 'ext') return;
    this.dir = path.join(ROOT, 'run', `${this.peer}-${this.port}`);
    if (wipe) spawnSync('rm', ['-rf', this.dir]);
    fs.mkdirSync(this.dir, { recursive: true, mode: 0o755 });
    this.cg = cgMake(`${this.peer}-${this.port}`);
    const c = this.kind === 'peer'
      ? `exec bash "${BENCH}/peers/${this.peer}.sh" run "${this.dir}" ${this.mode} ${this.port} ${this.sink}`
      : this.spec.slice(4).replaceAll('{port}', this.port).replaceAll('{sinkport}', this.sink).replaceAll('{dir}', this.dir).replaceAll('{mode}', this.mode);
    const log = fs.openSync(path.join(this.dir, 'stdio.log'), 'a');
    this.t0 = performance.now(); live.add(this);
    this.child = spawn('sh', ['-c', `${this.cg ? `echo $$ > "${this.cg}/cgroup.procs"; ` : ''}${c}`],
      { stdio: ['ignore', log, log], env: { ...process.env, ...this.env }, detached: true, cwd: this.dir });
    fs.closeSync(log);
    this.child.on('exit', (code, sig) => { this.exited = `exit ${code} ${sig}`; });
    this.acct = new Acct(this.cg ? { cg: this.cg } : { pid: this.child.pid });
    if (!await waitPort(this.host, this.port, Number(process.env.BENCH_START_MS || 60000))) {
      await this.stop(); throw new Error(`${this.spec}: no greeting on ${this.addr}; see ${this.dir}/stdio.log`);
    }
    this.startMs = performance.now() - this.t0;
    if (this.peer === 'opensmtpd') await sleep(700);     // let "pause mta" land
  }
  async stop() {
    if (this.kind === 'ext' || !this.child) return;
    const pids = () => this.acct.pids().filter((p) => fs.existsSync(`/proc/${p}`));
    for (const sig of ['SIGTERM', 'SIGKILL']) {
      if (sig === 'SIGTERM' && !this.exited) try { process.kill(this.child.pid, sig); } catch {}
      if (sig === 'SIGKILL') for (const p of pids()) try { process.kill(p, sig); } catch {}
      for (let i = 0; i < 40 && pids().length; i++) await sleep(50);
    }
    for (const p of pids()) try { process.kill(p, 'SIGKILL'); } catch {}
    await sleep(100);
    if (this.cg) try { fs.rmdirSync(this.cg); } catch {}
    this.child = null; this.exited = null; live.delete(this);
  }
  wipe() { if (this.dir) spawnSync('rm', ['-rf', this.dir]); }
  files() {                          // regular files in the spool: how many messages does the peer hold?
    if (!this.dir) return NaN;
    const sub = { postfix: 'spool/hold spool/incoming spool/active spool/deferred', exim: 'spool/input', opensmtpd: 'spool/queue', haraka: 'queue' }[this.peer];
    if (!sub) return NaN;
    const r = spawnSync('sh', ['-c', `cd "${this.dir}" && find ${sub} -type f 2>/dev/null | wc -l`]);
    const n = Number(String(r.stdout).trim());
    return this.peer === 'exim' || this.peer === 'opensmtpd' ? n / 2 : n;   // exim -H + -D; opensmtpd message + envelope
  }
}

// ---------------------------------------------------------------- load
function source(target, { sessions, count, size, keep }) {
  const bin = path.join(PK, 'usr/sbin/smtp-source');
  const args = ['-s', sessions, '-m', count, '-l', size, '-C', 50, ...(keep ? ['-d'] : []), '-M', 'client.test',
    '-f', 'sender@bench.test', '-t', 'rcpt@sink.test', target.addr].map(String);
  return new Promise((res, rej) => {
    const t0 = performance.now();
    const p = spawn('bash', ['-c', 'TIMEFORMAT="TIME %U %S"; time "$0" "$@"', bin, ...args], { env: LOADENV });
    let err = '';
    p.stderr.on('data', (d) => { err += d; });
    p.on('close', (code) => {
      const wall = (performance.now() - t0) / 1000;
      const m = /TIME ([\d.]+) ([\d.]+)/.exec(err);
      if (code || !m) return rej(new Error(`smtp-source failed (${code}): ${err.trim()}`));
      res({ wall, t0, cpu: Number(m[1]) + Number(m[2]) });
    });
  });
}
class Sink {
  async start() {
    const bin = path.join(PK, 'usr/sbin/smtp-sink');
    this.file = path.join(ROOT, `sink.${process.pid}`);
    const fd = fs.openSync(this.file, 'w');
    this.p = spawn(bin, ['-c', ...(process.getuid() === 0 ? ['-u', 'nobody'] : []), ...(o['sink-max'] ? ['-m', o['sink-max']] : ['-m', '2000']), '-h', 'sink.test', `127.0.0.1:${N('sink-port')}`, '1000'], { stdio: ['ignore', fd, fd], env: LOADENV });
    fs.closeSync(fd);
    this.acct = new Acct({ pid: this.p.pid }); live.add(this);
    if (!await waitPort('127.0.0.1', N('sink-port'), 5000)) throw new Error('smtp-sink did not start');
  }
  count() {                          // last "… mesg=N" on file
    const fd = fs.openSync(this.file, 'r');
    const { size } = fs.fstatSync(fd), b = Buffer.alloc(200), n = fs.readSync(fd, b, 0, 200, Math.max(0, size - 200));
    fs.closeSync(fd);
    const all = [...b.toString('latin1', 0, n).matchAll(/mesg=(\d+)/g)];
    return all.length ? Number(all.at(-1)[1]) : 0;
  }
  async until(n, ms) { const t = performance.now(); while (this.count() < n) { if (performance.now() - t > ms) return false; await sleep(5); } return true; }
  stop() { live.delete(this); try { this.p.kill('SIGKILL'); } catch {} try { fs.unlinkSync(this.file); } catch {} }
}

// ---------------------------------------------------------------- workloads
const spec = () => ({ size: N('size'), sessions: N('sessions'), count: N('count'), keep: o.keep });
async function w1once(t, s) {
  return locked(async () => {
    await t.start();
    try {
      if (N('warm')) await source(t, { ...s, count: Math.max(N('warm'), s.sessions) });
      await sleep(300);
      t.acct?.start(); const b0 = busy();
      const r = await source(t, s);
      const fo = foreign(b0, r.wall, t.acct ? t.acct.cpu() - t.acct.c0 : 0, r.cpu);
      await sleep(50);
      const a = t.acct?.stop() ?? {};
      const held = t.files();
      const want = s.count + (N('warm') ? Math.max(N('warm'), s.sessions) : 0);
      return { rate: s.count / r.wall, wall: r.wall, foreign: fo, cpu1k: a.cpu / s.count * 1000, loadcpu1k: r.cpu / s.count * 1000, rss: a.rss, pss: a.pss, anon: a.anon, procs: a.n, held, want, lost: t.mode === 'hold' && Number.isFinite(held) && held !== want };
    } finally { await t.stop(); t.wipe(); }
  });
}
async function w2once(t, s) {
  return locked(async () => {
    const sink = new Sink();
    await sink.start();
    try {
      await t.start();
      const w = N('warm') ? Math.max(N('warm'), s.sessions) : 0;
      if (w) { await source(t, { ...s, count: w }); if (!await sink.until(w, 60000)) throw new Error(`warm-up: only ${sink.count()} of ${w} relayed`); await sleep(300); }
      t.acct?.start(); const sc0 = sink.acct.cpu(), b0 = busy();
      const t0 = performance.now();
      const r = await source(t, s);
      const ok = await sink.until(w + s.count, 100000);
      const wall = (performance.now() - t0) / 1000;
      const fo = foreign(b0, wall, t.acct ? t.acct.cpu() - t.acct.c0 : 0, r.cpu, sink.acct.cpu() - sc0);
      await sleep(50);
      const a = t.acct?.stop() ?? {};
      if (!ok) return { rate: NaN, wall, note: `only ${sink.count() - w} of ${s.count} relayed in ${wall.toFixed(0)} s`, cpu1k: NaN };
      return { rate: s.count / wall, wall, foreign: fo, acceptRate: s.count / r.wall, cpu1k: a.cpu / s.count * 1000, loadcpu1k: (r.cpu + sink.acct.cpu() - sc0) / s.count * 1000, rss: a.rss, pss: a.pss, anon: a.anon, procs: a.n };
    } finally { await t.stop(); t.wipe(); sink.stop(); }
  });
}
const med = (x) => { const y = x.filter(Number.isFinite).sort((a, b) => a - b); return y.length ? y.length % 2 ? y[(y.length - 1) / 2] : (y[y.length / 2 - 1] + y[y.length / 2]) / 2 : NaN; };
const f = (x, d = 0) => Number.isFinite(x) ? x.toFixed(d) : '-';
function summary(label, w, s, rs) {
  const rate = rs.map((r) => r.rate);
  const row = { label, w, ...s, runs: rs.length, rate: med(rate), min: Math.min(...rate), max: Math.max(...rate), acceptRate: med(rs.map((r) => r.acceptRate)), cpu1k: med(rs.map((r) => r.cpu1k)), cpu1kMin: Math.min(...rs.map((r) => r.cpu1k)), cpu1kMax: Math.max(...rs.map((r) => r.cpu1k)), loadcpu1k: med(rs.map((r) => r.loadcpu1k)), pss: Math.max(...rs.map((r) => r.pss ?? NaN)), rss: Math.max(...rs.map((r) => r.rss ?? NaN)), anon: Math.max(...rs.map((r) => r.anon ?? NaN)), procs: Math.max(...rs.map((r) => r.procs ?? NaN)), foreign: rs.map((r) => Math.round(r.foreign)), rates: rs.map((r) => Math.round(r.rate)), lost: rs.filter((r) => r.lost).length, note: rs.map((r) => r.note).filter(Boolean).join('; ') };
  if (o.json) fs.appendFileSync(o.json, JSON.stringify(row) + '\n');
  console.log(`${label.padEnd(22)} ${w} ${String(s.size).padStart(6)} B x${s.sessions}${s.keep ? ' keep' : '     '} n=${s.count}: ${f(row.rate)} msg/s [${f(row.min)}..${f(row.max)}]${w === 'w2' ? ` (accepted at ${f(row.acceptRate)})` : ''}  cpu ${f(row.cpu1k, 2)} s/1000 (load ${f(row.loadcpu1k, 2)})  peak PSS ${f(row.pss)} MiB RSS ${f(row.rss)} anon ${f(row.anon)} procs ${f(row.procs)} others' CPU ${row.foreign.join('/')}%${row.lost ? `  QUEUE COUNT DIFFERS: ${rs.map((r) => `${r.held}/${r.want}`)}` : ''}${row.note ? '  ' + row.note : ''}`);
  return row;
}
async function multi(w, specs) {     // alternate the targets: A B, B A, A B ...
  const s = spec(), once = w === 'w1' ? w1once : w2once, mode = o.mode ?? (w === 'w1' ? 'hold' : 'relay');
  const res = specs.map(() => []);
  for (let i = 0; i < N('runs'); i++) {
    const order = specs.map((_, k) => k); if (i % 2) order.reverse();
    for (const k of order) {
      const t = new Target(specs[k], { mode, port: N('port') + k, name: `cmd${k}` });
      const sp = { ...s, count: t.count ?? s.count };
      try { const r = await once(t, sp); res[k].push(r); if (o.json) fs.appendFileSync(o.json + '.runs', JSON.stringify({ w, target: t.spec, ...sp, ...r }) + '\n'); } catch (e) { res[k].push({ rate: NaN, cpu1k: NaN, note: String(e.message).slice(0, 300) }); }
    }
  }
  return specs.map((x, k) => summary(o.label && specs.length === 1 ? o.label : x.length > 44 ? x.slice(0, 44) : x, w, { ...s, count: Number(/@(\d+)$/.exec(x)?.[1] ?? s.count) }, res[k]));
}

async function main() {
  fs.mkdirSync(path.join(ROOT, 'loadconf'), { recursive: true });
  if (!fs.existsSync(path.join(ROOT, 'loadconf/main.cf'))) fs.writeFileSync(path.join(ROOT, 'loadconf/main.cf'), 'compatibility_level = 3.6\ninet_protocols = ipv4\nmyhostname = bench.test\n');
  if (cmd === 'setup') return setup();
  if (cmd === 'w1' || cmd === 'w2') {
    const t = o.target ? [o.target] : pos;
    if (!t.length) throw new Error('give --target HOST:PORT | PEER | cmd:... (or several as arguments)');
    await multi(cmd, t);
  } else if (cmd === 'ab') {          // ab w1|w2 --a X --b Y
    const [ra, rb] = await multi(pos[0], [o.a, o.b]);
    console.log(`ratio b/a: rate ${f(rb.rate / ra.rate, 2)}  cpu/msg ${f(rb.cpu1k / ra.cpu1k, 2)}  PSS ${f(rb.pss / ra.pss, 2)}`);
  } else if (cmd === 'w3') { for (const x of o.target ? [o.target] : pos) await w3(x); }
  else if (cmd === 'w4') { for (const x of o.target ? [o.target] : pos) await w4(x); }
  else if (cmd === 'loop') { await loop(); }
  else if (cmd === 'start') {          // foreground, until ^C
    const t = new Target(o.target ?? pos[0], { mode: o.mode ?? 'hold' });
    await t.start(); console.log(`${t.addr} ready after ${f(t.startMs)} ms, directory ${t.dir}; ctrl-c stops it`);
    await new Promise(() => setInterval(() => {}, 1e9));
  } else if (cmd === 'limits') await limits();
  else if (cmd === 'strace') { for (const x of pos) await straceCheck(x); }
  else throw new Error('commands: setup w1 w2 w3 w4 ab loop limits start strace; see README.md');
}

async function loop() {               // smtp-source -> smtp-sink, no MTA
  const s = spec(), rs = [];
  for (let i = 0; i < N('runs'); i++) rs.push(await locked(async () => {
    const sink = new Sink(); await sink.start();
    try { const c0 = sink.acct.cpu(), b0 = busy(); const r = await source({ addr: `127.0.0.1:${N('sink-port')}` }, s);
      const c = sink.acct.cpu() - c0; return { foreign: foreign(b0, r.wall, c, r.cpu), rate: s.count / r.wall, cpu1k: c / s.count * 1000, loadcpu1k: r.cpu / s.count * 1000 }; } finally { sink.stop(); }
  }));
  summary('smtp-sink', 'loop', s, rs);
}

const du = (d) => { const r = spawnSync('du', ['-s', '--block-size=1', d]); return Number(String(r.stdout).split('\t')[0]); };
const apparent = (d) => { const r = spawnSync('du', ['-s', '--apparent-size', '--block-size=1', d]); return Number(String(r.stdout).split('\t')[0]); };
async function w3(x) {                // backlog: destination refuses connections
  const s = spec();
  const t = new Target(x, { mode: o.mode ?? 'relay', name: 'cmd' });
  await t.start();
  try {
    await source(t, { ...s, count: 50 }); await sleep(1500);
    const m0 = memOf(t.acct.pids()); const d0 = t.dir ? du(t.dir) : NaN; const ap0 = t.dir ? apparent(t.dir) : NaN;
    let wall = 0;
    const chunk = Math.min(s.count, 10000);        // hold the lock for one chunk at a time
    t.acct.start();
    for (let n = 0; n < s.count; n += chunk) await locked(async () => { const r = await source(t, { ...s, count: Math.min(chunk, s.count - n) }); wall += r.wall; });
    const pk = t.acct.stop();
    console.log(`${x} w3: accepted ${s.count} x ${s.size} B at ${f(s.count / wall)} msg/s; peak PSS ${f(pk.pss)} MiB RSS ${f(pk.rss)} procs ${pk.n}`);
    await sleep(5000);
    const m1 = memOf(t.acct.pids());
    if (t.dir) spawnSync('sync');
    const bytes = du(t.dir) - d0, app = apparent(t.dir) - ap0;
    console.log(`${x} w3: memory empty PSS ${f(m0.pss, 1)} anon ${f(m0.anon, 1)} MiB (${m0.n} procs) -> backlog PSS ${f(m1.pss, 1)} anon ${f(m1.anon, 1)} MiB (${m1.n} procs); ${f((m1.anon - m0.anon) * 1048576 / s.count)} B anon/msg; disk ${f(bytes / s.count)} B/msg allocated, ${f(app / s.count)} apparent; queue files ${t.files()}`);
    if (t.kind !== 'ext') {
      await t.stop();
      await locked(async () => {
        spawnSync('sh', ['-c', 'sync; echo 3 > /proc/sys/vm/drop_caches']);
        await t.start({ wipe: false });
        const cold = t.startMs;
        await sleep(8000);
        const m2 = memOf(t.acct.pids());
        const cpu = t.acct.cpu();
        console.log(`${x} w3: restart (cold cache) until 220: ${f(cold)} ms; 8 s later PSS ${f(m2.pss, 1)} anon ${f(m2.anon, 1)} MiB, ${f(cpu, 2)} CPU-s spent, procs ${m2.n}`);
      });
      await t.stop();
      await locked(async () => { await t.start({ wipe: false }); console.log(`${x} w3: restart (warm cache) until 220: ${f(t.startMs)} ms`); });
    }
  } finally { await t.stop(); t.wipe(); }
}
async function w4(x) {                // idle connections after EHLO
  const t = new Target(x, { mode: o.mode ?? 'hold', name: 'cmd' });
  await t.start();
  const socks = [];
  try {
    await locked(async () => {
      await source(t, { ...spec(), sessions: 20, count: 200 }); await sleep(1000);
      const m0 = memOf(t.acct.pids()), k0 = slab(), c0 = t.acct.cpu();
      let ok = 0, fail = 0; const t0 = performance.now();
      const open = () => new Promise((res) => {
        const s = net.connect({ host: t.host, port: t.port }); let st = 0;
        const to = setTimeout(() => { fail++; s.destroy(); res(); }, 8000);
        s.on('error', () => { if (st < 2) { st = 2; fail++; clearTimeout(to); res(); } });
        s.on('close', () => { if (st < 2) { st = 2; fail++; clearTimeout(to); res(); } });
        s.on('data', (d) => { const l = d.toString();
          if (st === 0) { if (!l.startsWith('220')) { fail++; st = 2; clearTimeout(to); s.destroy(); return res(); } st = 1; s.write('EHLO c.test\r\n'); }
          else if (st === 1 && /(^|\n)250 /.test(l)) { st = 2; ok++; clearTimeout(to); socks.push(s); res(); } });
      });
      const want = N('conns');
      for (let i = 0; i < want && fail < 200; i += N('batch')) await Promise.all(Array.from({ length: Math.min(N('batch'), want - i) }, open));
      const el = (performance.now() - t0) / 1000;
      await sleep(1500);
      const m1 = memOf(t.acct.pids()), alive = socks.filter((s) => !s.destroyed).length, c1 = t.acct.cpu();
      console.log(`${x} w4: ${alive} of ${want} idle sessions (${fail} refused/timed out) opened in ${f(el, 1)} s; PSS ${f(m0.pss, 1)} -> ${f(m1.pss, 1)} MiB, RSS sum ${f(m0.rss, 1)} -> ${f(m1.rss, 1)}, procs ${m0.n} -> ${m1.n}: ${f((m1.pss - m0.pss) * 1024 / alive, 1)} KiB PSS per session, ${f((m1.anon - m0.anon) * 1024 / alive, 1)} KiB anon per session; CPU ${f(c1 - c0, 2)} s; kernel slab/pagetables/stack +${f((slab() - k0) / 1024, 0)} MiB`);
    });
  } finally { for (const s of socks) s.destroy(); await t.stop(); t.wipe(); }
}
function slab() { const m = fs.readFileSync('/proc/meminfo', 'utf8'); const g = (k) => Number(new RegExp(`^${k}:\\s+(\\d+)`, 'm').exec(m)[1]); return g('SUnreclaim') + g('KernelStack') + g('PageTables'); }

async function limits() {
  const bin = path.join(ROOT, 'fsyncbench'), d = path.join(ROOT, 'fs');
  if (!fs.existsSync(bin)) spawnSync('cc', ['-O2', '-pthread', '-o', bin, path.join(LIB, 'fsyncbench.c')], { stdio: 'inherit' });
  const rows = [];
  for (const size of [4096, 65536]) for (const [m, g, th] of [['append-fdatasync', 1, 1], ['append-fsync', 1, 1], ['append-fdatasync', 64, 1], ['append-fsync', 64, 1], ['prealloc-fdatasync', 1, 1], ['prealloc-fdatasync', 64, 1], ['file-fsync', 1, 1], ['file-dir-fsync', 1, 1], ['file-dir-fsync', 64, 1], ['file-fsync', 1, 2], ['file-fsync', 1, 20], ['file-fsync', 1, 100]]) rows.push([m, size, g, th]);
  const out = rows.map(() => []);
  for (let i = 0; i < N('runs'); i++) for (const [k, r] of rows.entries()) {
    await locked(async () => { spawnSync('rm', ['-rf', d]); fs.mkdirSync(d, { recursive: true });
      out[k].push(JSON.parse(String(spawnSync(bin, [d, ...r, N('seconds')].map(String)).stdout))); spawnSync('rm', ['-rf', d]); });
  }
  console.log('| mode | size | msgs/sync | threads | syncs/s median [min..max] | msgs/s | MB/s | p50 ms | p99 ms | max ms |\n|---|---|---|---|---|---|---|---|---|---|');
  for (const [k, r] of rows.entries()) { const g = (n) => med(out[k].map((x) => x[n])); const ss = out[k].map((x) => x.syncs_s);
    console.log(`| ${r[0]} | ${r[1]} | ${r[2]} | ${r[3]} | ${f(g('syncs_s'))} [${f(Math.min(...ss))}..${f(Math.max(...ss))}] | ${f(g('msgs_s'))} | ${f(g('mb_s'), 1)} | ${f(g('p50_ms'), 2)} | ${f(g('p99_ms'), 2)} | ${f(Math.max(...out[k].map((x) => x.max_ms)), 0)} |`);
    if (o.json) fs.appendFileSync(o.json, JSON.stringify({ w: 'fsync', r, runs: out[k] }) + '\n'); }
}
async function straceCheck(x) {       // count sync calls per accepted message and show one message's tail
  const t = new Target(x, { mode: 'hold', name: 'cmd' });
  await t.start();
  try {
    await source(t, { sessions: 1, count: 20, size: N('size'), keep: false });
    const out = path.join(ROOT, `strace.${t.peer}`);
    const pids = t.acct.pids();
    const p = spawn('strace', ['-f', '-tt', '-y', '-e', 'trace=fsync,fdatasync,sync_file_range,rename,renameat,renameat2,link,unlink,openat,write,writev,sendto,pwrite64', '-s', '60', '-o', out, ...pids.flatMap((q) => ['-p', q])], { stdio: 'ignore' });
    await sleep(1500);
    await source(t, { sessions: 1, count: 20, size: N('size'), keep: false });
    await sleep(500); p.kill('SIGINT'); await new Promise((r) => p.once('exit', r));
    const s = fs.readFileSync(out, 'utf8'); const c = (re) => (s.match(re) || []).length;
    console.log(`${x}: for 20 messages: fsync ${c(/ fsync\(/g)}, fdatasync ${c(/ fdatasync\(/g)}, rename ${c(/ rename(at2?)?\(/g)}, link ${c(/ link\(/g)}; trace in ${out}`);
  } finally { await t.stop(); t.wipe(); }
}
function setup() {
  const sh = (c) => { const r = spawnSync('bash', ['-euc', c], { stdio: 'inherit', env: { ...process.env, ROOT } }); if (r.status) throw new Error(`failed: ${c}`); };
  sh(`mkdir -p "$ROOT/deb" "$ROOT/pkgs" "$ROOT/npm"; cd "$ROOT/deb"
      ls postfix_*.deb >/dev/null 2>&1 || apt-get download postfix exim4-daemon-light opensmtpd
      for p in postfix exim4 opensmtpd; do mkdir -p "$ROOT/pkgs/$p"; for d in "$p"*.deb; do dpkg -x "$d" "$ROOT/pkgs/$p"; done; done
      for u in postfix Debian-exim opensmtpd opensmtpq; do getent passwd $u >/dev/null || useradd --system --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin --user-group $u; done
      getent group postdrop >/dev/null || groupadd --system postdrop
      ldd "$ROOT/pkgs/exim4/usr/sbin/exim4" "$ROOT/pkgs/opensmtpd/usr/sbin/smtpd" | grep 'not found' && { echo 'install the missing libraries, e.g. apt-get install libidn12 libevent-2.1-7 libevent-core-2.1-7'; exit 1; } || true
      [ -d "$ROOT/npm/node_modules/Haraka" ] || (cd "$ROOT/npm" && npm init -y >/dev/null && npm install Haraka@3 --no-audit --no-fund)
      cc -O2 -pthread -o "$ROOT/fsyncbench" "${LIB}/fsyncbench.c"`);
}
await main().catch((e) => { console.error(e.message); process.exit(1); });
