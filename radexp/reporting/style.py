"""The page's style: light and dark, wide and narrow."""

STYLE = """
:root { color-scheme: light dark; --ink: #1a1a1a; --paper: #fff; --line: #ccc; --soft: #f4f4f4;
  --good: #00674a; --bad: #a33b00; --open: #555; --link: #0b57d0; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8e8e8; --paper: #16181b; --line: #444;
  --soft: #22262a; --good: #5fd3ae; --bad: #ff9b66; --open: #b5b5b5; --link: #8ab4f8; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 72rem; padding: 1rem; background: var(--paper);
  color: var(--ink); font: 16px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
header p { max-width: 46rem; }
h1 { font-size: 1.6rem; line-height: 1.2; } h2 { font-size: 1.3rem; margin-top: 2.5rem; }
h3 { font-size: 1.05rem; } h4 { font-size: .95rem; margin: .8rem 0 .2rem; }
h3 .note { font-weight: 400; } a { color: var(--link); text-decoration: none; }
a:hover { text-decoration: underline; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid var(--line); padding: .35rem .8rem .35rem 0; text-align: left;
  white-space: nowrap; vertical-align: top; }
th { color: var(--open); font-weight: 600; }
.wrap td { white-space: normal; min-width: 6rem; }
nav ul { display: flex; flex-wrap: wrap; gap: .3rem 1.2rem; padding: .6rem 0; list-style: none;
  border: 1px solid var(--line); border-width: 1px 0; }
section, figure, article { scroll-margin-top: .5rem; }
.cards { width: 100%; } .cards td { white-space: normal; } .cards td:nth-child(1) { width: 28%; }
.cards td:nth-child(3) { width: 22%; } .cards td:nth-child(6) a { white-space: nowrap; }
.cards td:nth-child(2), .cards td:nth-child(4) { white-space: nowrap; }
pre { background: var(--soft); padding: .8rem; white-space: pre-wrap; }
figure { margin: 1rem 0; } img { max-width: 100%; height: auto; background: #fff; padding: .4rem;
  border-radius: .3rem; display: block; }
header figure { max-width: 46rem; }
.note, figcaption, summary { font-size: .85rem; color: var(--open); }
summary { cursor: pointer; } details { margin: .3rem 0; } ul { padding-left: 1.2rem; }
.verdict { font-weight: 600; white-space: nowrap; padding: .05rem .5rem; border-radius: .7rem;
  border: 1px solid currentColor; font-size: .85rem; }
.good { color: var(--good); } .bad { color: var(--bad); } .open { color: var(--open); }
article { border-top: 1px solid var(--line); padding: .6rem 0; } article p { margin: .3rem 0; }
.verdict-of { margin: .4rem 0 1rem; }
.verdict-of:target, article:target, figure:target { background: var(--soft); }
@media (max-width: 44rem) {
  table { font-size: .8rem; } th, td { padding-right: .6rem; }
  .wrap td { min-width: 5.6rem; } .wrap td:last-child { min-width: 0; }
  .wide img { max-width: none; width: 46rem; }
  .cards thead { position: absolute; left: -999rem; }
  .cards, .cards tbody, .cards tr { display: block; }
  .cards tr { border: 1px solid var(--line); border-radius: .4rem; margin: .6rem 0;
    padding: .3rem .7rem; }
  .cards td { display: grid; grid-template-columns: 5.5rem 1fr; gap: .5rem; border: 0;
    padding: .2rem 0; width: auto !important; }
  .cards td.empty { display: none; }
  .cards td:first-child { display: block; }
  .cards td:first-child::before { content: none; }
  .cards td::before { content: attr(data-label); color: var(--open); font-size: .8rem; }
}
"""
