// Generated from application/spec/schema.json by npm run types.

/**
 * An expression or condition: JSONLogic data of the strict part that `denghuo.application.spec.logic` describes.
 */
export type Logic = unknown

/**
 * A page. `parameters` are what it must be opened with, `options` what it may be; `sources` are queries that blocks share.
 *
 * under: the page of the menus that a page belongs to which stands in no menu itself, as a bill belongs to the list of bills.
 */
export interface PageSpec {
  actions?: Action[]
  blocks: (
    | List
    | Filter
    | Detail
    | Form
    | Wizard
    | Steps
    | Stat
    | Chart
    | Curve
    | Tree
    | Tabs
    | Timeline
    | Flow
    | Explain
    | Screen
    | Custom
  )[]
  heading?: string | null
  id: string
  note?: Text | null
  options?: string[]
  parameters?: string[]
  posts?: string[]
  sources?: {
    [k: string]: Source
  }
  spec?: 1
  title: Text
  under?: string | null
}
/**
 * Something a person can do here: run an operation, or open a page.
 *
 * then: what comes after; `show` shows the labelled values of the reply, where they are what was wanted.
 */
export interface Action {
  after?: Open | null
  ask?: (string | Input)[]
  chosen?: Chosen | null
  confirm?: Text | null
  given?: {
    [k: string]: Logic
  }
  label: Text
  open?: Open | null
  operation?: string | null
  posts?: string[]
  then?: 'reload' | 'stay' | 'back' | 'download' | 'print' | 'show'
  tone?: 'primary' | 'plain' | 'danger'
  watch?: Watch | null
  when?: Logic | null
}
/**
 * Another page, and the parameters it is opened with.
 */
export interface Open {
  given?: {
    [k: string]: Logic
  }
  page: string
  place?: 'page' | 'drawer'
}
/**
 * A field of the request with something to say about it beyond its contract. `file` reads a chosen file into the field.
 *
 * columns: of a list of records, which of their fields are asked, in this order; all of them where nothing is said.
 */
export interface Input {
  choices?: Choices | null
  columns?: string[]
  control?: ('line' | 'paragraph' | 'secret' | 'file') | null
  hint?: Text | null
  initial?: Logic | null
  name: string
  when?: Logic | null
}
/**
 * The values that a person may choose for an input, read from rows of a query.
 */
export interface Choices {
  label: string[]
  rows?: string
  source: Source
  value: string
}
/**
 * Where a block's data comes from: a query and what it is asked. `stream` names the operation's live form, where it has one.
 */
export interface Source {
  every_s?: number | null
  given?: {
    [k: string]: Logic
  }
  operation: string
  stream?: boolean
}
/**
 * A text in both languages of the product.
 */
export interface Text {
  en: string
  zh: string
}
/**
 * Sends the chosen rows: the values at path `key` of each, as the list `field` of the request.
 */
export interface Chosen {
  field: string
  key: string
}
/**
 * How long work that an action started is followed in the task tray: a query of its progress.
 */
export interface Watch {
  open?: Open | null
  source: Source
  title: Text
}
/**
 * Rows of a reply as a dense table (PC) or cards (phone).
 */
export interface List {
  actions?: Action[]
  as_of?: string | null
  choose?: boolean
  empty?: Text | null
  fields: (string | FieldShown)[]
  filters?: (string | Input)[]
  id?: string | null
  key: string
  kind: 'list'
  note?: Text | null
  open?: Open | OpenBy | null
  page_size?: number
  posts?: string[]
  row_actions?: Action[]
  rows?: string
  share?: 'full' | 'two_thirds' | 'half' | 'third' | 'quarter'
  source: Source | string
  title?: Text | null
  totals?: (string | FieldShown)[]
  when?: Logic | null
}
/**
 * A value of the reply with something to say about it beyond its contract.
 */
export interface FieldShown {
  name: string
  open?: Open | null
  tone?: Logic | null
  weight?: 'lead' | 'plain' | 'minor'
  when?: Logic | null
}
/**
 * The page that the row itself names, as a task names where it is done: page at `page_at`, its parameters at `given_at`.
 */
export interface OpenBy {
  given_at: string
  page_at: string
  place?: 'page' | 'drawer'
}
/**
 * Inputs whose values go into the requests of the blocks named in `over`.
 */
export interface Filter {
  fields: (string | Input)[]
  id?: string | null
  kind: 'filter'
  note?: Text | null
  operation: string
  over: string[]
  posts?: string[]
  share?: 'full' | 'two_thirds' | 'half' | 'third' | 'quarter'
  title?: Text | null
  when?: Logic | null
}
/**
 * Fields of one record, in sections.
 */
export interface Detail {
  actions?: Action[]
  as_of?: string | null
  id?: string | null
  kind: 'detail'
  note?: Text | null
  posts?: string[]
  sections: Section[]
  share?: 'full' | 'two_thirds' | 'half' | 'third' | 'quarter'
  source: Source | string
  title?: Text | null
  when?: Logic | null
}
/**
 * A titled group of fields.
 */
export interface Section {
  fields: (string | FieldShown)[]
  title?: Text | null
  when?: Logic | null
}
/**
 * Inputs of one operation and the button that sends them. `prefill` reads present values by field name from a reply.
 *
 * answer: names the reply, so that blocks may stand on it as on a source of the page; they are drawn once it is there, and what
 * was typed stays, to be changed and sent again.
 */
export interface Form {
  answer?: string | null
  derived?: Derived[]
  fields: (string | Input)[]
  id?: string | null
  kind: 'form'
  note?: Text | null
  posts?: string[]
  prefill?: Source | string | null
  share?: 'full' | 'two_thirds' | 'half' | 'third' | 'quarter'
  submit: Action
  title?: Text | null
  when?: Logic | null
}
/**
 * A value of the command's reply that can be told before sending: worked out from the form, named by the reply's contract.
 */
export interface Derived {
  name: string
  value: Logic
  when?: Logic | null
}
/**
 * A form in steps, with a review of all inputs before it is sent.
 */
export interface Wizard {
  id?: string | null
  kind: 'wizard'
  note?: Text | null
  posts?: string[]
  share?: 'full' | 'two_thirds' | 'half' | 'third' | 'quarter'
  steps: WizardStep[]
  submit: Action
  title?: Text | null
  when?: Logic | null
}
export interface WizardStep {
  fields: (string | Input)[]
  note?: Text | null
  title: Text
  when?: Logic | null
}
/**
 * Work in stages and how far it is: progress, rate and expected end of a run, live where the source streams.
 */
export interface Steps {
  actions?: Action[]
  as_of?: string | null
  at?: string | null
  count?: string | null
  done?: string | null
  facts?: (string | FieldShown)[]
  id?: string | null
  kind: 'steps'
  name?: string
  note?: Text | null
  posts?: string[]
  running?: Logic | null
  share?: 'full' | 'two_thirds' | 'half' | 'third' | 'quarter'
  source: Source | string
  stages?: string | null
  state?: string
  title?: Text | null
  total?: string | null
  when?: Logic | null
}
/**
 * A few figures that matter here, each with its freshness and its way down to rows.
 */
export interface Stat {
  actions?: Action[]
  as_of?: string | null
  id?: string | null
  items: Figure[]
  kind: 'stat'
  note?: Text | null
  posts?: string[]
  share?: 'full' | 'two_thirds' | 'half' | 'third' | 'quarter'
  source: Source | string
  title?: Text | null
  when?: Logic | null
}
/**
 * One figure; opens to the rows behind it.
 */
export interface Figure {
  beside?: string | null
  field: string
  open?: Open | null
  tone?: Logic | null
}
/**
 * Rows as a picture with one axis. `ring` for at most five parts, `rank` for a sorted bar list.
 *
 * `waterfall` for changes that lead from one value to another: each bar begins where the one before ended, but for rows that
 * `whole` says are values themselves.
 */
export interface Chart {
  actions?: Action[]
  as_of?: string | null
  form?: 'bar' | 'line' | 'ring' | 'rank' | 'waterfall'
  id?: string | null
  kind: 'chart'
  note?: Text | null
  open?: Open | null
  posts?: string[]
  rows?: string
  share?: 'full' | 'two_thirds' | 'half' | 'third' | 'quarter'
  source: Source | string
  title?: Text | null
  when?: Logic | null
  whole?: string | null
  x: string
  y: string[]
}
/**
 * Interval values of a day or a longer period; `estimated` marks values that were not measured, `limits` are drawn as lines.
 */
export interface Curve {
  actions?: Action[]
  as_of?: string | null
  estimated?: string | null
  id?: string | null
  kind: 'curve'
  limits?: string[]
  minutes?: number
  note?: Text | null
  posts?: string[]
  share?: 'full' | 'two_thirds' | 'half' | 'third' | 'quarter'
  source: Source | string
  starts?: string | null
  title?: Text | null
  values: string[]
  when?: Logic | null
}
/**
 * Rows that know their parent. The chosen row is `chosen` for expressions of the blocks named in `over`.
 */
export interface Tree {
  actions?: Action[]
  as_of?: string | null
  fields?: (string | FieldShown)[]
  id?: string | null
  key: string
  kind: 'tree'
  label: string
  note?: Text | null
  open?: Open | null
  over?: string[]
  parent: string
  posts?: string[]
  rows?: string
  share?: 'full' | 'two_thirds' | 'half' | 'third' | 'quarter'
  source: Source | string
  title?: Text | null
  when?: Logic | null
}
/**
 * Blocks behind tabs; the data of a tab is read when it is first shown.
 */
export interface Tabs {
  id?: string | null
  kind: 'tabs'
  note?: Text | null
  posts?: string[]
  share?: 'full' | 'two_thirds' | 'half' | 'third' | 'quarter'
  tabs: Tab[]
  title?: Text | null
  when?: Logic | null
}
export interface Tab {
  blocks: (
    | List
    | Filter
    | Detail
    | Form
    | Wizard
    | Steps
    | Stat
    | Chart
    | Curve
    | Tree
    | Tabs
    | Timeline
    | Flow
    | Explain
    | Screen
    | Custom
  )[]
  posts?: string[]
  title: Text
  when?: Logic | null
}
/**
 * What happened, newest first.
 */
export interface Timeline {
  actions?: Action[]
  as_of?: string | null
  at: string
  fields?: (string | FieldShown)[]
  id?: string | null
  kind: 'timeline'
  note?: Text | null
  open?: Open | null
  posts?: string[]
  rows?: string
  share?: 'full' | 'two_thirds' | 'half' | 'third' | 'quarter'
  source: Source | string
  title?: Text | null
  tone?: Logic | null
  what: string
  when?: Logic | null
}
/**
 * A process as steps and the ways between them; `current` names where it stands.
 */
export interface Flow {
  actions?: Action[]
  as_of?: string | null
  current?: string | null
  edges?: string
  id?: string | null
  kind: 'flow'
  nodes?: string
  note?: Text | null
  posts?: string[]
  share?: 'full' | 'two_thirds' | 'half' | 'third' | 'quarter'
  source: Source | string
  title?: Text | null
  when?: Logic | null
}
/**
 * Lines of a bill, each opening to its derivation: registers, multiplier, quantity, price version, document, arithmetic.
 *
 * unit: names the unit of each line's quantity, where lines differ in it.
 */
export interface Explain {
  actions?: Action[]
  amount: string
  arithmetic?: string | null
  as_of?: string | null
  document?: string | null
  facts?: (string | FieldShown)[]
  id?: string | null
  kind: 'explain'
  lines?: string
  name: string
  note?: Text | null
  posts?: string[]
  price?: string | null
  quantity?: string | null
  register_fields?: (string | FieldShown)[]
  registers?: string | null
  sentence?: string | null
  share?: 'full' | 'two_thirds' | 'half' | 'third' | 'quarter'
  source: Source | string
  title?: Text | null
  total?: string | null
  unit?: string | null
  when?: Logic | null
}
/**
 * A wall screen that is registered under this name.
 */
export interface Screen {
  id?: string | null
  kind: 'screen'
  note?: Text | null
  posts?: string[]
  screen: string
  share?: 'full' | 'two_thirds' | 'half' | 'third' | 'quarter'
  title?: Text | null
  when?: Logic | null
}
/**
 * A registered component, for what the other kinds cannot say. actions: what it offers; it says of which rows.
 */
export interface Custom {
  actions?: Action[]
  component: string
  given?: {
    [k: string]: Logic
  }
  id?: string | null
  kind: 'custom'
  note?: Text | null
  posts?: string[]
  share?: 'full' | 'two_thirds' | 'half' | 'third' | 'quarter'
  source?: Source | string | null
  title?: Text | null
  when?: Logic | null
}
