//! The page's root: it owns what the page knows and the wire to the engine.

use std::rc::Rc;

use blumfeld_lesson::Lesson;
use blumfeld_permalink::{Link, LinkError};
use blumfeld_view::{Command, Stream, Update};
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{Event, VisibilityState};
use yew::prelude::*;

use crate::address::{Address, DEFAULT_CLUSTER, Theme};
use crate::browser::{self, Kept};
use crate::console::{ConsolePane, Ink, Terminal};
use crate::ctx::Ctx;
use crate::frames::Frames;
use crate::lesson::{self, LessonDeed};
use crate::model::{Action, Deed, Model, PartitionName, Phase, Place, Screen, Shared};
use crate::opening::{Opened, Opening};
use crate::share;
use crate::stage::Scene;
use crate::text::{Lang, fill};
use crate::ui::{
    Brokers, Builder, Charts, Clients, Comparison, Configs, DockTabs, Down, DropZone, Era, EventLog, Files,
    FollowBar, FollowInspector, Gate, Groups, Hint, Inspector, LessonPanel, Lessons, LogDirs, Messages, Nav,
    Notices, PastBanner, Requests, Share, Shortcuts, Stage, TimeLine, TokenInspector, TopBar, Topics,
    Transactions, WatchBanner, so,
};
use crate::wire::{Heard, Wire};

/// At this pace and slower nobody waits for the end of a session.
const SLOW: f64 = 0.1;

/// What Kafka's console producer logs of a record that was not acknowledged (ErrorLoggingCallback).
const NOT_SENT: &str = "ERROR Error when sending message";

/// A listener that is taken away with this value.
struct Listening {
    target: web_sys::EventTarget,
    name: &'static str,
    callback: Closure<dyn FnMut(Event)>,
}

impl Listening {
    fn new(target: &web_sys::EventTarget, name: &'static str, callback: impl FnMut(Event) + 'static) -> Self {
        let callback = Closure::new(callback);
        let _ = target.add_event_listener_with_callback(name, callback.as_ref().unchecked_ref());
        Self { target: target.clone(), name, callback }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let _ = self
            .target
            .remove_event_listener_with_callback(self.name, self.callback.as_ref().unchecked_ref());
    }
}

/// A shared session that the page is to open: the link in the address, or a file that was dropped before the reload.
#[derive(Clone, PartialEq, Debug)]
struct Given {
    link: Result<Link, LinkError>,
    cluster: String,
}

fn given() -> Option<Given> {
    let hash = browser::hash();
    if blumfeld_permalink::is_hash(&hash) {
        let link = blumfeld_permalink::from_hash(&hash).and_then(share::runnable);
        return Some(Given { link, cluster: share::cluster_of(&hash) });
    }
    let text = Kept::InTab.recall(share::FILE_KEY)?;
    Kept::InTab.forget(share::FILE_KEY);
    let link = blumfeld_permalink::from_file(&text).and_then(share::runnable);
    Some(Given { link, cluster: share::cluster_of(&text) })
}

/// Keeps the lesson that a link has as one of the reader's own, and gives its name.
fn take_lesson(hash: &str, lang: Lang) -> Result<String, String> {
    let korean = lang == Lang::Ko;
    let t = lang.lessons();
    let bad = |why: &str| fill(t.bad_link, &[why.trim_end_matches('.')]);
    let text = blumfeld_permalink::lesson_from_hash(hash).map_err(|error| bad(&error.told(korean)))?;
    let lesson = Lesson::parse(&text).map_err(|error| bad(&error.to_string()))?;
    Kept::Always.keep(&lesson::own_key(&lesson.id), &text);
    Ok(lesson.id)
}

/// The address with what a link says in the place of what it does not say.
fn read_address() -> (Address, Option<Given>) {
    let mut address = Address::parse(&browser::search());
    let hash = browser::hash();
    if blumfeld_permalink::is_lesson_hash(&hash) {
        let lang = address.lang.unwrap_or(Lang::En);
        match take_lesson(&hash, lang) {
            Ok(id) => {
                browser::name_page(&format!("?lesson={id}#stage"));
                address.lesson = Some(id);
            }
            Err(why) => {
                browser::name_page("./#lessons");
                address.wrong = Some(why);
            }
        }
    }
    let given = given();
    match given.as_ref().map(|given| (given, given.link.as_ref())) {
        Some((given, Ok(link))) => {
            let lang =
                link.lang.map(|lang| if lang == blumfeld_permalink::Lang::Ko { Lang::Ko } else { Lang::En });
            address.lang = address.lang.or(lang);
            address.cluster = Some(given.cluster.clone());
            (address.seed, address.brokers) = (Some(link.seed), Some(link.brokers));
            address.lesson = link.lesson.as_ref().map(|lesson| lesson.id.clone()).or(address.lesson);
            // From here on the address names the cluster: a reload finds it as it is then.
            if !address.embed {
                let lesson = address.lesson.as_ref().map_or_else(String::new, |id| format!("&lesson={id}"));
                let place = link.place.as_deref().unwrap_or("stage").trim_start_matches('#');
                browser::name_page(&format!("?cluster={}{lesson}#{place}", given.cluster));
            }
        }
        Some((_, Err(_))) if !address.embed => browser::name_page("./#stage"),
        _ => {}
    }
    (address, given)
}

/// How the page begins: the address first, then what was kept, then the browser.
fn begin(address: &Address, given: Option<&Given>) -> Model {
    // The address's language holds for the visit: links from page to page need not repeat it.
    if let Some(lang) = address.lang {
        Kept::InTab.keep("lang", lang.word());
    }
    let kept = || Lang::parse(&Kept::InTab.recall("lang").or_else(|| Kept::Always.recall("lang"))?);
    let lang = address.lang.or_else(kept);
    let lang = lang.or_else(|| Lang::parse(&browser::preferred_language())).unwrap_or(Lang::En);
    let theme =
        address.theme.or_else(|| Theme::parse(&Kept::Always.recall("theme")?)).unwrap_or(Theme::System);
    let of_lesson = address.lesson.as_deref().map(lesson::cluster_of);
    let cluster = address.cluster.clone().or(of_lesson).unwrap_or_else(|| DEFAULT_CLUSTER.to_owned());
    let mut model = Model::new(cluster, lang, theme, address.durability.unwrap_or_default());
    let t = lang.text();
    for (name, value) in &address.refused {
        let text = match name.as_str() {
            "cluster" => fill(t.bad_cluster, &[value, &model.cluster]),
            _ => fill(t.bad_parameter, &[name, value]),
        };
        model = Rc::unwrap_or_clone(Rc::new(model).reduce(Action::Notice(true, text)));
    }
    if let Some(why) = &address.wrong {
        model = Rc::unwrap_or_clone(Rc::new(model).reduce(Action::Notice(true, why.clone())));
    }
    if let Some(Err(error)) = given.map(|given| &given.link) {
        let text = fill(lang.lessons().bad_link, &[error.told(lang == Lang::Ko).trim_end_matches('.')]);
        model = Rc::unwrap_or_clone(Rc::new(model).reduce(Action::Notice(true, text)));
    }
    if address.cluster.as_deref() == Some("zookeeper") && browser::hash().is_empty() {
        browser::name_page("?cluster=zookeeper#zookeeper");
    }
    match place() {
        Some(place) => Rc::unwrap_or_clone(Rc::new(model).reduce(Action::Go(place))),
        None => model,
    }
}

/// Where the address says that the page is.
fn place() -> Option<Result<Place, (String, Option<Place>)>> {
    let hash = browser::hash();
    if blumfeld_permalink::is_hash(&hash) || blumfeld_permalink::is_lesson_hash(&hash) {
        return None;
    }
    Some(Place::parse(&hash)?.map_err(|plain| (format!("#{hash}"), plain)))
}

/// Under what the page keeps that a cluster has been stored.
fn stored_key(cluster: &str) -> String {
    format!("stored.{cluster}")
}

/// Under what the page keeps the pace of a cluster's clock.
fn pace_key(cluster: &str) -> String {
    format!("pace.{cluster}")
}

/// How a command's output is written.
fn ink(stream: Stream) -> Ink {
    match stream {
        Stream::Out => Ink::Out,
        Stream::Err => Ink::Err,
    }
}

/// Takes what the engine says to where it belongs.
fn hear(
    heard: Heard,
    dispatch: &UseReducerDispatcher<Model>,
    frames: &Frames,
    terminal: &Terminal,
    scene: &Scene,
    opening: &Opening,
    ask: &dyn Fn(&Command),
) {
    match heard {
        Heard::Update(Update::Console { id, output, exit }) => {
            for piece in &output {
                terminal.write(ink(piece.stream), &piece.text);
                terminal.said(id, &piece.text);
                if piece.stream == Stream::Err {
                    terminal.complained(id, &piece.text);
                    if piece.text.contains(NOT_SENT) {
                        dispatch.dispatch(Action::NotSent(id));
                    }
                }
            }
            if let Some(exit) = exit {
                if exit != 0 {
                    terminal.write(Ink::Note, &format!("[exit {exit}]\n"));
                }
                terminal.end(id, exit);
                if let Some(said) = terminal.settled(id).filter(|_| exit != 0) {
                    let said = said.trim().strip_prefix("blumfeld: ").unwrap_or(said.trim()).to_owned();
                    dispatch.dispatch(Action::Notice(true, said));
                }
                if let Some(said) = terminal.done(id) {
                    dispatch.dispatch(Action::Did(Deed { id, exit, said }));
                }
                dispatch.dispatch(Action::Ended(id, exit));
                tell_opened(opening.ended(id, exit, terminal, ask), dispatch);
            }
        }
        Heard::Update(Update::Stage(view)) => scene.take(view),
        Heard::Update(Update::Follow(follow)) => {
            if let Some(token) = follow.as_ref().and_then(|follow| follow.token) {
                scene.choose(Some(token));
            }
            dispatch.dispatch(Action::Told(Update::Follow(follow)));
        }
        Heard::Update(Update::Played) => {
            tell_opened(opening.played(), dispatch);
        }
        Heard::Update(Update::Goals(goals)) => {
            tell_opened(opening.reached(&goals, ask), dispatch);
            dispatch.dispatch(Action::Told(Update::Goals(goals)));
        }
        Heard::Update(Update::Overheard { output, exit }) => {
            for piece in &output {
                terminal.write(ink(piece.stream), &piece.text);
            }
            if let Some(exit) = exit.filter(|exit| *exit != 0) {
                terminal.write(Ink::Note, &format!("[exit {exit}]\n"));
            }
        }
        Heard::Update(Update::Ran { line }) => terminal.write(Ink::Prompt, &format!("$ {line}\n")),
        Heard::Update(Update::Download { name, bytes }) => browser::save(&name, &bytes),
        Heard::Update(update) => {
            let (mut opened, mut goes_on) = (None, None);
            let lost = match &update {
                Update::Ready { cluster, missing, begins, view, free_line, .. } => {
                    terminal.reset();
                    terminal.number_from(*free_line);
                    // Another life of a cluster knows of no watcher.
                    if scene.is_attached() {
                        ask(&Command::Watch(true));
                    }
                    let key = stored_key(cluster);
                    let was_stored = Kept::Always.recall(&key).is_some();
                    // It is noted again with the first commit: one that was reset has nothing to lose until then.
                    Kept::Always.forget(&key);
                    // The engine begins each life at the pace of the wall clock.
                    if let Some(pace) = Kept::InTab.recall(&pace_key(cluster))
                        && let Ok(pace) = serde_json::from_str(&pace)
                    {
                        ask(&Command::SetPace(pace));
                    }
                    let lesson = opening.lesson();
                    // A lesson and a shared session begin with each new cluster, also with one that was reset.
                    let scripted = *begins && opening.is_scripted();
                    if (*missing && !was_stored) || scripted {
                        // What the first lines say is in the page's language too.
                        ask(&Command::SetLanguage(browser::spoken()));
                        if lesson.is_some() {
                            dispatch.dispatch(Action::Lesson(LessonDeed::Anew));
                        }
                        opened = opening.begin(view.brokers.len(), terminal, ask);
                    } else if let Some(lesson) = &lesson {
                        goes_on = Some(lesson::kept_step(&lesson.id));
                    }
                    *missing && was_stored && !scripted
                }
                Update::Delta(delta) => {
                    opening.heard(delta, ask);
                    false
                }
                _ => false,
            };
            if matches!(update, Update::Watching { .. }) {
                terminal.reset();
            }
            frames.take(update);
            tell_opened(opened, dispatch);
            if let Some(step) = goes_on {
                dispatch.dispatch(Action::Lesson(LessonDeed::Ready(step)));
            }
            if lost {
                dispatch.dispatch(Action::StorageLost);
            }
        }
        Heard::Strange(what) => {
            dispatch.dispatch(Action::Strange(what));
        }
        Heard::Failed(what) => dispatch.dispatch(Action::EngineFailed(what)),
    }
}

/// Tells what came of the opening of a lesson.
fn tell_opened(opened: Option<Opened>, dispatch: &UseReducerDispatcher<Model>) {
    let Some(opened) = opened else { return };
    let t = Lang::parse(&browser::spoken()).unwrap_or(Lang::En).lessons();
    match opened {
        Opened::Ready => dispatch.dispatch(Action::Lesson(LessonDeed::Ready(0))),
        Opened::Played(step) => {
            dispatch.dispatch(Action::Lesson(LessonDeed::Ready(step)));
            dispatch.dispatch(Action::Notice(false, t.opened_link.to_owned()));
        }
        Opened::Failed(line) => dispatch.dispatch(Action::Notice(true, fill(t.failed, &[&line]))),
    }
}

/// Reads the lesson that the address names, if it names one; says what is wrong with it if it cannot be done.
async fn read_lesson(name: &str, lang: Lang) -> Result<Lesson, String> {
    let t = lang.lessons();
    // One of the reader's own goes before one of the page's.
    let own = Kept::Always.recall(&lesson::own_key(name));
    let text = match own {
        Some(own) => own,
        None => {
            let text = browser::fetch_text(&format!("./lessons/{name}.toml")).await;
            text.map_err(|why| fill(t.no_lesson, &[name, &why]))?
        }
    };
    Lesson::parse(&text).map_err(|why| fill(t.bad_lesson, &[name, &why.to_string()]))
}

/// The page.
#[component]
pub fn App() -> Html {
    let begun = use_memo((), |()| {
        let (address, given) = read_address();
        (Rc::new(address), given)
    });
    let address = Rc::clone(&begun.0);
    let model = use_reducer({
        let begun = Rc::clone(&begun);
        move || begin(&begun.0, begun.1.as_ref())
    });
    let terminal = use_memo((), |()| Terminal::default());
    let scene = use_memo((), |()| Scene::default());
    let engine = use_memo((), {
        let (dispatch, terminal, address) = (model.dispatcher(), Rc::clone(&terminal), Rc::clone(&address));
        let (scene, opening) = (Rc::clone(&scene), Opening::new(address.empty.unwrap_or(false)));
        if let Some(Ok(link)) = begun.1.as_ref().map(|given| &given.link) {
            opening.plays(link);
        }
        let forget = address.embed;
        let (cluster, durability, lang) = (model.cluster.clone(), address.durability, model.lang);
        move |()| {
            // The engine says hello only after this value is in its place.
            let place: Rc<std::cell::OnceCell<std::rc::Weak<Wire>>> = Rc::default();
            let callback = {
                let place = Rc::clone(&place);
                let frames = Frames::new({
                    let dispatch = dispatch.clone();
                    Callback::from(move |update| dispatch.dispatch(Action::Told(update)))
                });
                let seed = address.seed.unwrap_or_else(browser::draw_seed);
                let brokers = address.brokers.unwrap_or(crate::address::DEFAULT_BROKERS);
                Callback::from(move |heard| {
                    let ask = {
                        let (place, dispatch) = (Rc::clone(&place), dispatch.clone());
                        move |command: &Command| {
                            let engine = place.get().and_then(std::rc::Weak::upgrade);
                            if let Some(Err(error)) = engine.map(|engine| engine.send(command)) {
                                dispatch.dispatch(Action::EngineFailed(error));
                            }
                        }
                    };
                    let boot = move |cluster: &str, seed, brokers| Command::Boot {
                        cluster: cluster.to_owned(),
                        durability,
                        seed,
                        brokers,
                        forget,
                    };
                    match heard {
                        Heard::Update(Update::Hello) => match address.lesson.clone() {
                            None => ask(&boot(&cluster, seed, brokers)),
                            // How many brokers its cluster has, the lesson says.
                            Some(name) => {
                                let (opening, dispatch) = (opening.clone(), dispatch.clone());
                                let (cluster, pinned) = (cluster.clone(), address.seed);
                                wasm_bindgen_futures::spawn_local(async move {
                                    match read_lesson(&name, lang).await {
                                        Ok(lesson) => {
                                            let seed = pinned.or(lesson.seed).unwrap_or(seed);
                                            let brokers =
                                                if opening.is_scripted() { brokers } else { lesson.brokers };
                                            opening.of(Shared::new(lesson.clone()));
                                            dispatch.dispatch(Action::Lesson(LessonDeed::Loaded(Box::new(
                                                lesson,
                                            ))));
                                            ask(&boot(&cluster, seed, brokers));
                                        }
                                        Err(why) => {
                                            dispatch.dispatch(Action::Notice(true, why));
                                            ask(&boot(DEFAULT_CLUSTER, seed, brokers));
                                        }
                                    }
                                });
                            }
                        },
                        heard => hear(heard, &dispatch, &frames, &terminal, &scene, &opening, &ask),
                    }
                })
            };
            let engine = Rc::new(Wire::start(callback));
            let _ = place.set(Rc::downgrade(&engine));
            engine
        }
    });
    let ctx =
        Ctx::new(model.lang, Rc::clone(&engine), (*terminal).clone(), (*scene).clone(), model.dispatcher())
            .watching(model.phase == Phase::Watching)
            .without_brokers(
                model.view.as_ref().is_some_and(|view| view.brokers.iter().all(|broker| !broker.up)),
            );

    use_effect_with(address.embed, |embed| browser::mark("embed", embed.then_some("1")));
    use_effect_with((model.phase.word(), model.lang, model.theme), |(word, lang, theme)| {
        browser::mark("state", Some(*word));
        browser::speak(lang.word());
        browser::mark("theme", (*theme != Theme::System).then(|| theme.word()));
    });
    // The console's own words follow the page's language; a cluster that is opened again is told again.
    use_effect_with((model.phase.word() == "ready", model.lang), {
        let ctx = ctx.clone();
        move |(ready, lang)| {
            if *ready {
                ctx.ask(&Command::SetLanguage(lang.word().to_owned()));
            }
        }
    });
    use_effect_with((), {
        let ctx = ctx.clone();
        move |()| listen(ctx)
    });
    // A partition of the address is looked for once the cluster tells of its topics.
    let wanted = model.wanted.clone().filter(|_| model.view.is_some());
    use_effect_with(wanted, {
        let (ctx, model) = (ctx.clone(), model.clone());
        move |wanted| {
            if let Some((partition, offset)) = wanted {
                look_for(&ctx, &model, partition, *offset);
            }
        }
    });

    let covered = model.phase.covers();
    let view = model.view.as_ref();
    // The listener stands; what it does is of the latest drawing.
    let paces = use_mut_ref(|| (blumfeld_view::Pace::Paused, blumfeld_view::Pace::Times(1.0)));
    if let Some(view) = view {
        *paces.borrow_mut() = (view.clock.pace, view.clock.resumes);
    }
    use_effect_with((ctx.clone(), covered), {
        move |(ctx, covered)| {
            let document = web_sys::window().and_then(|window| window.document()).filter(|_| !covered);
            let listening = document.map(|document| {
                let ctx = ctx.clone();
                Listening::new(&document, "keydown", move |event| {
                    if let Ok(event) = event.dyn_into::<web_sys::KeyboardEvent>() {
                        crate::ui::press(&ctx, &event, *paces.borrow());
                    }
                })
            });
            move || drop(listening)
        }
    });
    let clock = view.map(|view| view.clock.clone());
    let store = view.map(|view| view.store.clone());
    let is_stored = model.persistent && store.as_ref().is_some_and(|store| store.commits > 0);
    use_effect_with((is_stored, model.cluster.clone()), |(is_stored, cluster)| {
        if *is_stored {
            Kept::Always.keep(&stored_key(cluster), "1");
        }
    });
    use_effect_with((clock.as_ref().map(|clock| clock.pace), model.cluster.clone()), |(pace, cluster)| {
        if let Some(pace) = pace.and_then(|pace| serde_json::to_string(&pace).ok()) {
            Kept::InTab.keep(&pace_key(cluster), &pace);
        }
    });
    let storage = store.as_ref().and_then(|store| store.error.clone());
    let chosen_topic = model.chosen.as_ref().and_then(|chosen| model.topic(&chosen.topic)).cloned();
    let partition = model.chosen.as_ref().map(|chosen| chosen.partition);
    let place = [
        model.screen.word().to_owned(),
        model.tab.word().to_owned(),
        (if model.sheet { "open" } else { "closed" }).to_owned(),
        model.chosen.is_some().to_string(),
        model
            .lesson
            .as_ref()
            .map_or("none", |lesson| if lesson.shown { "shown" } else { "aside" })
            .to_owned(),
    ];
    let topics: Vec<_> = model.topics.clone();
    let brokers = model.view.as_ref().map_or(0, |view| view.brokers.len());
    // Where the reader goes on behind the navigation.
    let content = if model.screen == Screen::Console { "prompt" } else { "content" };
    html! {
        <ContextProvider<Ctx> context={ctx.clone()}>
            <DropZone ready={!covered && model.log_dirs.is_none()} {place}>
                <a class="skip" href={format!("#{content}")} onclick={move |event: MouseEvent| {
                    // The address names the screen, and goes on doing so.
                    event.prevent_default();
                    browser::focus_on(content);
                }}>{ctx.t.skip}</a>
                if model.lesson.is_some() {
                    <a class="skip" href="#lesson" onclick={|event: MouseEvent| {
                        event.prevent_default();
                        browser::focus_on("lesson");
                    }}>{ctx.lang.lessons().to_lesson}</a>
                }
                <TopBar cluster={model.cluster.clone()} {clock} {store} persistent={model.persistent}
                    durability={model.durability} theme={model.theme} chosen={model.chosen.clone()} deed={model.deed.clone()} follows={model.follow.as_ref().filter(|follow| !follow.over).map(|follow| follow.pace)} />
                <TimeLine marks={Shared::clone(&model.marks)} now={view.map_or(0, |view| view.clock.now)} pace={view.map_or(blumfeld_view::Pace::Paused, |view| view.clock.pace)}
                    timeline={view.map(|view| Shared::clone(&view.timeline))}
                    next={view.and_then(|view| view.clock.next.clone())} clients={view.map(|view| Shared::clone(&view.clients))} />
                <Nav screen={model.screen} />
                <main class="stage" id="content" tabindex={if model.screen == Screen::Groups { "0" } else { "-1" }}>
                    if model.phase == Phase::Watching { <WatchBanner /> }
                    if let Some(view) = view.filter(|view| view.timeline.tip.is_some() || view.timeline.seeking.is_some()) {
                        <PastBanner now={view.clock.now} past={view.timeline.tip.is_some()} seeking={view.timeline.seeking} />
                    }
                    <Notices notices={model.notices.clone()} recovery={model.recovery.clone()} returned={model.returned.clone()}
                        {storage} persistent={model.persistent} />
                    if let Some(view) = view {
                        <Down brokers={Shared::clone(&view.brokers)} groups={Shared::clone(&view.groups)} clients={Shared::clone(&view.clients)} />
                    }
                    if model.phase == Phase::Ready && model.screen == Screen::Stage && model.lesson.is_none() {
                        <Hint tried={model.tried} is_first={model.topic(crate::opening::TOPIC).is_some()}
                            hurries={view.is_some_and(|view| matches!(view.clock.pace, blumfeld_view::Pace::Times(times) if times <= SLOW)
                                && view.brokers.iter().any(|broker| broker.state == "crashed"))} />
                    }
                    if let Some(follow) = model.follow.as_ref().filter(|_| model.screen == Screen::Stage) {
                        <FollowBar follow={Shared::clone(follow)} />
                    }
                    { match model.screen {
                        Screen::Stage => view.map(|view| html! {
                            <Stage {topics} chosen={model.chosen.clone()} brokers={Shared::clone(&view.brokers)} groups={Shared::clone(&view.groups)}
                                clients={Shared::clone(&view.clients)} now={view.clock.now} pace={view.clock.pace} tried={model.tried} theme={model.theme} token={model.token.clone()} />
                        }).unwrap_or_default(),
                        Screen::Topics => html! {
                            <Topics {topics} chosen={model.chosen.clone()} {brokers} />
                        },
                        Screen::Messages => html! { <Messages {topics} chosen={model.chosen.clone()} state={model.messages.clone()} now_ms={view.map_or(0.0, |view| view.clock.unix_ms)} /> },
                        Screen::Brokers => view.map(|view| html! {
                            <Brokers brokers={Shared::clone(&view.brokers)} faults={Shared::clone(&view.faults)} cluster={model.cluster.clone()} seed={model.seed} />
                        }).unwrap_or_default(),
                        Screen::Groups => view.map(|view| html! {
                            <Groups groups={Shared::clone(&view.groups)} clients={Shared::clone(&view.clients)}
                                rebalances={Shared::clone(&view.rebalances)} deed={model.deed.clone()}
                                lags={Shared::clone(&model.lags)} now={view.clock.now / 1_000} unix_ms={view.clock.unix_ms} />
                         }).unwrap_or_default(),
                        Screen::Transactions => view.map(|view| html! {
                            <Transactions transactions={Shared::clone(&view.transactions)} {topics} clients={Shared::clone(&view.clients)} unix_ms={view.clock.unix_ms} />
                        }).unwrap_or_default(),
                        Screen::Clients => view.map(|view| html! {
                            <Clients clients={Shared::clone(&view.clients)} topics={own_topics(&model)} now={view.clock.now} chosen={model.chosen.clone()} />
                        }).unwrap_or_default(),
                        Screen::Requests => view.map(|view| html! {
                            <Requests wire={model.wire.clone()} open={model.exchange.clone()} diagram={model.diagram} clients={Shared::clone(&view.clients)}
                                events={model.events.clone()} now={view.clock.now} />
                        }).unwrap_or_default(),
                        Screen::Configs => view.map(|view| html! {
                            <Configs of={model.configs_shown()} view={model.configs.clone()} deed={model.deed.clone()} topics={names(&model)}
                                brokers={view.brokers.iter().map(|broker| broker.id).collect::<Vec<_>>()} />
                        }).unwrap_or_default(),
                        Screen::Compare => html! { <Comparison state={Shared::clone(&model.comparison)} /> },
                        Screen::Lessons => html! { <Lessons now={model.lesson.as_ref().map(|state| state.lesson.id.clone())} /> },
                        Screen::Era => html! { <Era view={model.era.clone()} ready={!covered} measured={model.failovers.clone()} /> },
                        Screen::Build => html! { <Builder used={Shared::clone(&model.used)} so={so(model.view.as_ref(), &topics)} /> },
                        Screen::Console => Html::default(),
                    } }
                </main>
                if let Some(lesson) = &model.lesson {
                    <LessonPanel covered={model.sheet} state={lesson.clone()} now={view.map_or(0, |view| view.clock.now)} seed={model.seed}
                        paused={view.is_some_and(|view| view.clock.pace == blumfeld_view::Pace::Paused && view.timeline.tip.is_none())}
                        other={model.screen == Screen::Topics || (model.screen == Screen::Stage && (model.token.is_some() || model.follow.is_some() || model.chosen.is_some()))} />
                }
                if let Some(detail) = model.token.as_ref().filter(|_| model.screen == Screen::Stage) {
                    <TokenInspector detail={Shared::clone(detail)} clients={model.view.as_ref().map(|view| Shared::clone(&view.clients))} />
                } else if let Some(follow) = model.follow.as_ref().filter(|_| model.screen == Screen::Stage) {
                    <FollowInspector follow={Shared::clone(follow)} />
                } else {
                    <Inspector topic={chosen_topic} {partition} brokers={view.map(|view| Shared::clone(&view.brokers)).unwrap_or_default()} compaction={model.compaction.clone()} />
                }
                <section class="dock" data-side={model.side.word()} aria-label={ctx.t.dock}>
                    <DockTabs tab={model.tab} sheet={model.sheet} lesson={model.lesson.is_some()} reached={model.lesson.as_ref().is_some_and(|lesson| lesson.is_reached())} />
                    <EventLog events={model.events.clone()} left_out={model.events_left_out} look_at={model.look_at.clone()} />
                    <ConsolePane state={model.console.clone()} paused={view.is_some_and(|view| view.clock.pace == blumfeld_view::Pace::Paused)} />
                    <Charts series={Shared::clone(&model.series)} now={view.map_or(0, |view| view.clock.now / 1_000)} files={model.files.len()} />
                    <Files files={model.files.clone()} />
                </section>
            </DropZone>
            <Share made={model.shared.as_ref().map(|shared| made(&model, shared))} left_out={model.shared.as_ref().map_or(0, |shared| shared.left_out)}
                close={{ let ctx = ctx.clone(); Callback::from(move |()| ctx.act(Action::Unshare)) }} />
            <Shortcuts />
            <LogDirs view={model.log_dirs.clone()} cluster={model.cluster.clone()} seed={model.seed} />
            <Gate phase={model.phase.clone()} cluster={model.cluster.clone()} />
        </ContextProvider<Ctx>>
    }
}

/// What is shared as a link or a file, or why it cannot be.
fn made(model: &Model, shared: &blumfeld_view::SharedView) -> Result<share::Made, String> {
    if !shared.whole {
        return Err(model.lang.lessons().not_whole.to_owned());
    }
    share::link(shared, model.lesson.as_ref(), model.lang, &browser::hash())
        .map_err(|error| error.told(model.lang == Lang::Ko).trim_end_matches('.').to_owned())
}

/// Shows a partition that the address names, and there the record of an offset.
fn look_for(ctx: &Ctx, model: &Model, partition: &PartitionName, offset: Option<i64>) {
    let topic = model.topic(&partition.topic);
    let is_there =
        topic.is_some_and(|topic| topic.partitions.iter().any(|one| one.partition == partition.partition));
    match offset {
        _ if !is_there => {
            let name = format!("{}-{}", partition.topic, partition.partition);
            ctx.act(Action::Notice(false, fill(ctx.t.no_such_partition, &[&name])));
        }
        Some(offset) => ctx.seek(partition, offset),
        None => ctx.act(Action::Choose(partition.clone())),
    }
    ctx.act(Action::Looked);
}

/// Names of the topics, those that are Kafka's own last.
fn names(model: &Model) -> Vec<String> {
    let internal = model.topics.iter().filter(|topic| topic.internal).map(|topic| topic.name.clone());
    own_topics(model).into_iter().chain(internal).collect()
}

/// Names of the topics that are not Kafka's own.
fn own_topics(model: &Model) -> Vec<String> {
    let own = model.topics.iter().filter(|topic| !topic.internal);
    own.map(|topic| topic.name.clone()).collect()
}

/// Follows the address, and brings everything to storage when the page may be about to go.
fn listen(ctx: Ctx) -> impl FnOnce() {
    let mut held = vec![];
    if let Some(window) = web_sys::window() {
        held.push(Listening::new(&window, "hashchange", {
            let ctx = ctx.clone();
            move |_| {
                // A link that is pasted into the address of a page that is open.
                let hash = browser::hash();
                if blumfeld_permalink::is_hash(&hash) || blumfeld_permalink::is_lesson_hash(&hash) {
                    browser::reload();
                }
                if let Some(place) = place() {
                    ctx.act(Action::Go(place));
                }
            }
        }));
        held.push(Listening::new(&window, "pagehide", {
            let ctx = ctx.clone();
            move |_| ctx.ask(&Command::Flush)
        }));
        if let Some(document) = window.document() {
            let target = document.clone();
            held.push(Listening::new(&target, "visibilitychange", move |_| {
                if document.visibility_state() == VisibilityState::Hidden {
                    ctx.ask(&Command::Flush);
                }
            }));
        }
    }
    move || drop(held)
}
