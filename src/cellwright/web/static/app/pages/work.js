/** A station for the person who stands at it: scan, verdict, the one next action, the job's units in order. */
import { html, useCallback, useState } from '../../vendor/preact.js';
import { getJson, Problem } from '../api.js';
import { may } from '../boot.js';
import { give } from '../commands.js';
import { useAction } from '../components/action.js';
import { Icon } from '../components/icon.js';
import { Card, PageHead } from '../components/page_head.js';
import { ScanField } from '../components/scan_field.js';
import { EmptyState } from '../components/states.js';
import { StateWord } from '../components/station_tile.js';
import { NextAction, Verdict, VerdictChip } from '../components/verdict.js';
import { age, number, quantity, t, word } from '../i18n.js';
import { toggleKiosk } from '../kiosk.js';
import { state, time_us, useTopic } from '../live.js';
import { defect, nameWord } from '../names.js';
import { addressOf, CodeLink, operation, pageOf, term } from '../objects.js';

/** @typedef {Record<string, any>} Data */
/** @typedef {{verdict: 'pass' | 'fail' | 'open', heading?: string, reason: string}} Said */

const LAST_UNITS = 6;

/** @param {{boot: import('../boot.js').Boot}} props */
export default function WorkPage({ boot }) {
  const page = boot.data;
  const { code } = page.station;
  /** @type {Data} */
  const now = useTopic(`work/${code}`, page.now, 4);
  const { scan, scanned, ticked, isBusy, failure } = useScans(code, page.scanned, now.job);
  const steps = [{ label: t('page.line'), href: '/line' }, { label: word('area', page.area), href: pageOf('line', page.area) }, { label: code, href: pageOf('station', code) }];
  const said = failure ?? sayingOf(scanned, now, page.needs);
  return html`<${PageHead} title=${nameWord(page.station.name)} code=${code} steps=${steps} aside=${html`<${StateWord} state=${now.tile.state} /><span class="muted">${now.tile.since_us === null ? '' : age(time_us.value - now.tile.since_us)}</span>`}>
      <button type="button" class="button work-kiosk" onClick=${toggleKiosk}>${t('line.kiosk')}</button>
    <//>
    <div class="work ${state.value === 'lost' ? 'stale' : ''}">
      <div class="work-main">
        <${ScanField} onCode=${scan} isBusy=${isBusy} />
        <${Verdict} ...${said} />
        <${Reasons} reasons=${scanned?.data.reasons.slice(1) ?? []} />
        <${Load} scanned=${scanned?.data ?? null} station=${code} needs=${page.needs} />
        <${Next} next=${now.next} />
      </div>
      <div class="work-side">
        <${Job} job=${now.job} more=${now.jobs_count - 1} running=${now.running} ticked=${ticked} />
        <${Last} units=${now.last_units} />
      </div>
    </div>`;
}

/** What was scanned last and when, and the units of the job that were found right. @param {string} station @param {Data | null} first @param {Data | null} job */
function useScans(station, first, job) {
  const [scanned, setScanned] = useState(first && { data: first, at_us: time_us.value });
  const [seen, setSeen] = useState(/** @type {{job: string, codes: string[]}} */ (first?.kind === 'in_job' ? { job: job?.job ?? '', codes: [first.code] } : { job: '', codes: [] }));
  const [isBusy, setBusy] = useState(false);
  const [failure, setFailure] = useState(/** @type {Said | null} */ (null));
  const jobCode = job?.job ?? '';
  const ticked = seen.job === jobCode ? seen.codes : [];
  const scan = useCallback(
    async (/** @type {string} */ text) => {
      setBusy(true);
      setFailure(null);
      try {
        const { scanned: data } = await getJson(`${addressOf('work', station)}.json?scan=${encodeURIComponent(text)}`);
        setScanned({ data, at_us: time_us.value });
        if (data.kind === 'in_job') setSeen((before) => ({ job: jobCode, codes: [...(before.job === jobCode ? before.codes : []), data.code] }));
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        setScanned(null);
        setFailure({ verdict: 'open', reason: t('work.no_answer') });
      } finally {
        setBusy(false);
      }
    },
    [station, jobCode],
  );
  return { scan, scanned, ticked, isBusy, failure };
}

/** What the large verdict says: of the scan, or of the unit that was reported since. @param {{data: Data, at_us: number} | null} scanned @param {Data} now @param {Data[]} needs @returns {Said} */
function sayingOf(scanned, now, needs) {
  const last = now.last_units[0];
  if (scanned && !(last && last.time_us > scanned.at_us)) return scanSaying(scanned.data, needs);
  if (!last) return { verdict: 'open', reason: t('work.scan_first') };
  const found = last.defect && defect(last.defect);
  const reason = [last.code, found, t('work.reported', { age: age(time_us.value - last.time_us) })].filter(Boolean).join(' · ');
  return { verdict: last.is_good ? 'pass' : 'fail', reason };
}

/** @param {Data} scanned @param {Data[]} needs @returns {Said} */
function scanSaying({ code, kind, is_good, slot, slots_count, wanted, material, position, quantity: left, reasons }, needs) {
  const measure = needs.find((each) => each.position === position)?.measure ?? '';
  const values = { code, slot, n: slots_count, wanted, material: term(material), position: term(position), quantity: quantity(left, measure) };
  const reason = kind === 'refused' ? `${word('refusal', reasons[0].code)}: ${reasons[0].text}` : t(`work.scan_${kind}`, values);
  return { verdict: is_good ? 'pass' : 'fail', heading: t(is_good ? 'work.go' : 'work.stop'), reason };
}

/** The other reasons of a refusal. @param {{reasons: {code: string, text: string}[]}} props */
function Reasons({ reasons }) {
  if (reasons.length === 0) return null;
  return html`<ul class="reasons work-reasons">${reasons.map((each, index) => html`<li key=${index}><b>${word('refusal', each.code)}</b> ${each.text}</li>`)}</ul>`;
}

/** A lot that may be loaded is loaded by one more touch. @param {{scanned: Data | null, station: string, needs: Data[]}} props */
function Load({ scanned, station, needs }) {
  const { run, isBusy, failure } = useAction();
  const [done, setDone] = useState('');
  if (scanned?.kind !== 'may_load' || !may('material_load')) return null;
  const { code, position, quantity: left } = scanned;
  const measure = needs.find((each) => each.position === position)?.measure ?? '';
  const load = async () => {
    if (await run(() => give({ type: 'LoadMaterial', station, position, lot: code, quantity: left }))) setDone(code);
  };
  if (done === code) return html`<p class="work-done" role="status"><${Icon} name="check" /> ${t('work.loaded', { code, position: term(position) })}</p>`;
  return html`<button type="button" class="button button-main button-large work-load" disabled=${isBusy} onClick=${load}>${t('work.load', { quantity: quantity(left, measure), position: term(position) })}</button>
    ${failure && html`<p class="late" role="alert">${failure.reasons[0]?.text ?? failure.message}</p>`}`;
}

/** @param {{next: Data}} props */
function Next({ next }) {
  const { kind, text, code, material, material_name, position, measure, quantity: wanted, count, job } = next;
  const values = { code, n: count, job, material: term(material, material_name), position: term(position), quantity: quantity(wanted, measure) };
  const detail = kind === 'refused' ? `${word('refusal', code)}: ${text}` : text || t(`work.next_${kind}_detail`, values);
  return html`<section class="work-next" data-kind=${kind} aria-label=${t('work.next')}>
    <h2 class="work-next-label">${t('work.next')}</h2>
    <${NextAction} text=${kind === 'call' ? word('call_kind', code) : t(`work.next_${kind}`, values)} detail=${detail} />
  </section>`;
}

/** The job's units in their order: what was scanned, what is in work. @param {{job: Data | null, more: number, running: Data[], ticked: string[]}} props */
function Job({ job, more, running, ticked }) {
  if (!job) return html`<${Card} title=${t('line_work.job')}><${EmptyState} title=${t('line_work.no_job')} text=${t('work.no_job_text')} /><//>`;
  const codes = job.members.length > 0 ? job.members : job.units;
  const isRunning = job.state === 'running' || running.some((each) => codes.includes(each.unit));
  const note = html`${word('job_state', job.state)}, ${age(time_us.value - job.since_us)}${more > 0 && html` <span class="muted">${t('line_work.and_more', { n: more })}</span>`}`;
  return html`<${Card} title=${t('work.job_title', { job: job.job })} note=${note}>
    <p class="work-progress">${job.operation ? operation(job.operation) : t('line_work.brings')}${isRunning ? '' : ` · ${t('work.progress', { n: ticked.length, all: codes.length })}`}${job.order && html` · <${CodeLink} kind="order" code=${job.order} />`}</p>
    <ol class="work-units" tabindex="0" role="list" aria-label=${t('work.units')}>
      ${codes.map((/** @type {string} */ code, /** @type {number} */ index) => {
        const how = isRunning ? 'in_work' : ticked.includes(code) ? 'ticked' : 'wanted';
        return html`<li key=${code} data-how=${how}><span class="work-slot">${number(index + 1)}</span><${CodeLink} kind="unit" code=${code} /><span class="work-how">${how === 'ticked' && html`<${Icon} name="check" />`}${t(`work.unit_${how}`)}</span></li>`;
      })}
    </ol>
  <//>`;
}

/** @param {{units: Data[]}} props */
function Last({ units }) {
  return html`<${Card} title=${t('station.last_units')} note=${t('work.last_note', { n: Math.min(units.length, LAST_UNITS) })}>
    ${units.length === 0 && html`<p class="muted">${t('station.last_units_none')}</p>`}
    <ul class="work-last">${units.slice(0, LAST_UNITS).map((each) => html`<li key=${each.code + each.time_us}><${VerdictChip} verdict=${each.is_good ? 'pass' : 'fail'} /><a class="code" href=${`/s/${encodeURIComponent(each.code)}`}>${each.code}</a><span class="muted">${age(time_us.value - each.time_us)}</span></li>`)}</ul>
  <//>`;
}
