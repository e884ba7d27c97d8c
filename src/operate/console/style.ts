/** How the console looks: one narrow column that a telephone shows, in the colours that the reader's system prefers. */
export const style = `:root { color-scheme: light dark; --line: #ccc; --soft: #f3f3f3; --bad: #b00020; --mid: #8a5a00; --good: #0a6b2d; --link: #0645ad }
@media (prefers-color-scheme: dark) { :root { --line: #444; --soft: #222; --bad: #ff8a93; --mid: #f0c060; --good: #7fd69a; --link: #8ab4f8 } }
* { box-sizing: border-box }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 70rem; padding: 0 1rem 3rem; overflow-wrap: break-word }
a { color: var(--link) }
nav { display: flex; flex-wrap: wrap; gap: .2rem 1rem; padding: .7rem 0; border-bottom: 1px solid var(--line); align-items: baseline }
nav a[aria-current] { font-weight: bold; text-decoration: none; color: inherit }
nav form { margin-left: auto }
h1 { font-size: 1.4rem; margin: 1rem 0 .5rem }
h2 { font-size: 1.1rem; margin: 1.5rem 0 .4rem }
h3 { font-size: 1rem; margin: 0 0 .3rem }
table { border-collapse: collapse; width: 100%; font-size: .93rem }
th, td { text-align: left; vertical-align: top; padding: .25rem .6rem .25rem 0; border-bottom: 1px solid var(--line) }
.wide { overflow-x: auto }
.when { white-space: nowrap }
pre, code { font: .9em/1.45 ui-monospace, monospace }
pre { background: var(--soft); padding: .6rem; overflow-x: auto; white-space: pre-wrap }
code { background: var(--soft); padding: 0 .2rem }
pre code { padding: 0 }
.thing { border: 1px solid var(--line); border-left: .35rem solid var(--mid); border-radius: .3rem; padding: .6rem .8rem; margin: .7rem 0 }
.thing p { margin: .2rem 0 }
.bad { color: var(--bad) } .mid { color: var(--mid) } .good { color: var(--good) }
.verdict { font-size: 1.15rem; font-weight: bold; margin: .8rem 0 }
.soft { opacity: .75; font-size: .9rem }
form { margin: .5rem 0 }
.row { display: flex; flex-wrap: wrap; gap: .5rem }
input, textarea, select, button { font: inherit; max-width: 100% }
textarea { width: 100%; min-height: 6rem }
label { display: block }
.thing ul, .thing pre { margin: .2rem 0 .5rem }
`;
