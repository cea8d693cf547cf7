"""A running node: opens its files, starts network, core and API, and stops them in order."""

import asyncio
import contextlib
import signal
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import msgspec
import structlog

from ledger.actions import RegisterTrade, TradeBatch
from ledger.apply import check_terms
from ledger.genesis import Genesis, genesis_hash
from ledger.objects import KeyRole, Member, Role, Trade
from ledger.tables import MEMBERS
from ledger.transactions import Transaction, TxId, decode_transaction, signed, unsigned, verified
from node.admin_log import record
from node.affirmation import Affirmer
from node.blotter import read_blotter
from node.clock import Clock
from node.config import Config, differing
from node.core.chain import Tip
from node.core.core import NodeCore
from node.core.effects import CommitBlock
from node.core.errors import NodeStopping, ObserverCannotSubmit
from node.core.parameters import Parameters
from node.core.seedchain import SeedChain
from node.home import Home, HomeIncomplete, Keys
from node.identity import role_of
from node.inbound import Inbound
from node.logs import set_level
from node.membership import Membership
from node.messages import BUNDLES_TOPIC, encode_message
from node.network import Network, NetworkConfig, peer_id_of
from node.policy import Policy
from node.precheck import check_addresses
from node.progress import Progress
from node.recoveries import agreed_to
from node.shell import Shell, now_ms
from node.signed_record import NAME as SIGNED_RECORD
from node.signed_record import SignedRecord
from node.signer import FileSigner, Signer
from node.signing.address import read_address
from node.signing.remote import RemoteSigner
from node.standing import standing
from node.startup import catch_up, checked_tip, require_checkpoint
from node.storage.errors import no_room
from node.storage.snapshots import SnapshotStore
from node.storage.store import Store
from node.storage.trades import TradeStore
from node.supervision import READY, STOPPING, keep_alive, notify
from node.upgrade import last_height, require_version
from node.upkeep import Upkeep
from node.wal import ConsensusLog
from wire.errors import CodedError, Rejection

log = structlog.get_logger("node")

ASK_AGAIN_SECONDS = 2.0
"""How often counterparties are asked again, and own submissions offered again."""


LINGER_SECONDS = 0.5
LINGERS_MAX = 40
"""So often a node that has its version's last block looks whether its peers have it too."""


class Daemon:
    """One node. `open`, then `run` until `stop`."""

    def __init__(self, home: Home, config: Config, genesis: Genesis, keys: Keys) -> None:
        self.home = home
        self.config = config
        self.genesis = genesis
        self._keys = keys
        self._stopping = asyncio.Event()
        self.store: Store
        self.trades: TradeStore
        self.shell: Shell
        self.network: Network
        self.inbound: Inbound
        self.affirmer: Affirmer | None = None
        self.upkeep: Upkeep
        self.clock: Clock
        self.progress: Progress
        self.policy = Policy(config.policy, SignedRecord(home.data / SIGNED_RECORD))
        self.remote: RemoteSigner | None = None
        """The signer, if it is in a process of its own."""
        self.alerts: dict[tuple[str, str], int] = {}  # open, by rule and severity: the feed's
        self._log: ConsensusLog

    @classmethod
    async def open(cls, path: Path) -> "Daemon":
        """Read and check everything under the home directory `path`. Raises `CodedError`s."""
        home = Home(path)
        daemon = cls(home, home.config(), home.genesis(), home.keys())
        daemon.store = await Store.open(home.store, genesis_hash(daemon.genesis))
        try:
            await daemon._open()
        except BaseException:  # the store's thread would keep the process alive
            await daemon.store.close()
            raise
        return daemon

    async def _open(self) -> None:
        config, genesis, keys = self.config, self.genesis, self._keys
        chain = genesis_hash(genesis)
        tip = await checked_tip(self.home, self.store, Tip.at_genesis(genesis))
        checkpoint = config.store.checkpoint()
        await require_checkpoint(self.store, checkpoint)
        require_version(config.upgrade, tip.height)
        last = last_height(config.upgrade)
        self.trades = TradeStore(self.store.db)
        self._log = ConsensusLog(self.home.log)
        membership = Membership(tip.state)
        self._check_identity(tip)
        self._own_peer = peer_id_of(keys.signing("peer").public)
        observes = role_of(self.home) == "observer"
        me = signer = seed_chain = None
        if not observes:  # the ledger says at which heights it votes
            me = keys.consensus_key
            signer = await self._open_signer(tip.chain_id)
            seed_chain = SeedChain(keys.seed_chain)
        parameters = Parameters(
            timeouts=config.consensus.timeouts(),
            block_interval_ms=config.consensus.block_interval_ms,
            empty_block_ms=config.consensus.empty_block_ms,
            flush_ms=config.trades.flush_ms,
            may_submit=not observes,
            catch_up=catch_up(config.store, genesis, last),
            last_height=last,
            recoveries=agreed_to(self.home),
        )
        core = NodeCore(tip, chain, me, seed_chain, parameters)
        self.network = Network(
            NetworkConfig(
                seed=keys.peer,
                listen=config.network.listen,
                peers=self._peers(membership),
                topics=(BUNDLES_TOPIC,),
            )
        )
        self.shell = Shell(core, self.store, self._log, signer, self.network, checkpoint)
        self.clock = Clock(me)
        self.upkeep = Upkeep(self.store, SnapshotStore(self.store), config.store, tip.height)
        self.progress = Progress(core)
        self.shell.last = await self.store.block(tip.height)
        if self.shell.last is not None:
            root = self.shell.last.block.header.state_root
            self.shell.before = await self.store.state_before(tip, root)
        self.inbound = Inbound(tip.chain_id, self.network, self.shell, membership)
        if not observes:
            self.affirmer = Affirmer(tip.chain_id, config.lei, keys.signing("trade"), self.trades)
            self.inbound.affirmer = self.affirmer
            await self.affirmer.load()
        if config.trades.blotter:
            book = read_blotter(self.home.path / config.trades.blotter)
            await self.trades.add_to_blotter(book)

    async def _open_signer(self, chain_id: str) -> Signer:
        """The signer in this process, or the way to the one that the configuration names."""
        where = self.config.signer
        if not where.address:
            key = self._keys.signing("consensus")
            return FileSigner(self.home.signer_state, chain_id, key)
        folder = self.home.path / where.certificates if where.certificates else None
        address = read_address(where.address, folder)
        self.remote = RemoteSigner(address, chain_id, self._keys.consensus_key, now_ms)
        await self.remote.meet()
        return self.remote

    @property
    def is_member(self) -> bool:
        """Whether the ledger has this node's entity as a trading member."""
        row = self._member(self.shell.tip)
        return row is not None and Role.MEMBER in row.roles

    @property
    def is_validator(self) -> bool:
        """Whether the ledger gives this node's entity a vote."""
        row = self._member(self.shell.tip)
        return row is not None and row.power > 0

    def _member(self, tip: Tip) -> Member | None:
        return tip.state.get(MEMBERS, MEMBERS.key(self.config.lei))

    def _check_identity(self, tip: Tip) -> None:
        """The keys are those the ledger knows; who is not on it yet waits to be admitted."""
        row = self._member(tip)
        if row is None:
            log.warning("not_a_member_yet", lei=self.config.lei)
        elif row.peer_key != self._keys.signing("peer").public:
            raise HomeIncomplete(f"keys.json is not that of {self.config.lei}")

    def _peers(self, membership: Membership) -> dict[str, str]:
        """Peer id to address of all other nodes of the ledger."""
        known = membership.addresses(self.config.network.peers)
        return {peer: address for peer, address in known.items() if peer != self._own_peer}

    # ---------------------------------------------------------------- life
    async def run(self) -> None:
        """Run until `stop`, or until a part fails: then its error is raised."""
        try:
            await self.network.start()
        except BaseException:
            await self.store.close()
            raise
        self.shell.on_block += [self._on_block, self.upkeep.on_block, self.progress.on_block]
        self.shell.on_jump.append(self._know_members)
        tasks = [
            asyncio.create_task(self.shell.run(), name="core"),
            asyncio.create_task(self.inbound.run(), name="inbound"),
            asyncio.create_task(self._again(), name="again"),
            asyncio.create_task(self.upkeep.run(), name="upkeep"),
            asyncio.create_task(self.progress.tell(), name="progress"),
            asyncio.create_task(self._halt(), name="halt"),
            asyncio.create_task(keep_alive(), name="watchdog"),
            asyncio.create_task(self._stopping.wait(), name="stop"),
        ]
        if self.remote is not None:
            tasks.append(asyncio.create_task(self._keep_signer(self.remote), name="signer"))
        log.info("started", lei=self.config.lei, height=self.shell.core.tip.height)
        self.admin("start", height=self.shell.core.tip.height)
        notify(READY)
        done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        notify(STOPPING)
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        self.shell.close()
        await self.network.stop()
        with contextlib.suppress(OSError):  # what could not be written is known, see below
            self._log.close()
        await self.store.close()
        height = self.shell.core.tip.height
        log.info("stopped", height=height)
        failed = next((error for task in done if (error := task.exception())), None)
        if failed is None:
            self.admin("stop", height=height)
            return
        with contextlib.suppress(OSError):
            self.admin("stop", height=height, because=type(failed).__name__)
        raise no_room(failed) or failed

    async def _keep_signer(self, remote: RemoteSigner) -> None:
        """Keep the connection to the signer, once the core can be told of it."""
        await self.shell.begun.wait()
        remote.report = self.shell.put
        await remote.run()

    async def _halt(self) -> None:
        """End `run` with `UpgradeDue` after the last block of this version, once the peers that
        are connected have it too, or have had time for it."""
        await self.shell.halted.wait()
        tip = self.shell.tip.height
        log.warning("upgrade_due", height=tip, version=self.config.upgrade.version)
        for _ in range(LINGERS_MAX):
            await asyncio.sleep(LINGER_SECONDS)
            if not self.shell.core.sync.lags(tip):
                break
        require_version(self.config.upgrade, tip)

    def stop(self) -> None:
        """End `run` in order."""
        self._stopping.set()

    def heed_signals(self) -> None:
        """SIGTERM and SIGINT end `run`; SIGHUP reads the configuration again."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        loop.add_signal_handler(signal.SIGHUP, self.reload)

    def reload(self) -> None:
        """Read the configuration again: log level, peers' addresses and `[alerts]` take effect.

        What else has changed is named, and waits for a restart. A configuration that is not valid
        changes nothing.
        """
        try:
            config = check_addresses(self.home)
        except CodedError as error:
            log.warning("reload_refused", code=error.code, detail=error.detail)
            return
        set_level(config.log.level)
        network = msgspec.structs.replace(self.config.network, peers=config.network.peers)
        logs = msgspec.structs.replace(self.config.log, level=config.log.level)
        changed = {"network": network, "log": logs, "alerts": config.alerts}
        self.config = msgspec.structs.replace(self.config, **changed)
        self._know_members(self.shell.tip)
        self.admin("reload", waits_for_restart=differing(self.config, config))

    def _on_block(self, effect: CommitBlock) -> None:
        self.clock.on_block(effect.decided.commit, now_ms())
        changed = any(key[0] == MEMBERS.tag for key, _ in effect.applied.changes)
        if changed:
            self._know_members(effect.tip)

    def _know_members(self, tip: Tip) -> None:
        membership = Membership(tip.state)
        self.inbound.membership = membership
        self.network.set_peers(self._peers(membership))

    async def _again(self) -> None:
        """Ask counterparties again, and offer again what is accepted and not decided."""
        await self._offer_pending()
        while True:
            self.ask_counterparties()
            await asyncio.sleep(ASK_AGAIN_SECONDS)
            if self.affirmer is not None:
                await self.affirmer.expire(self.shell.core.tip.height)
            await self._offer_pending()

    async def _offer_pending(self) -> None:
        for kept in await self.store.pending():
            if TxId(kept.tx_id) not in self.shell.core.deciding.pool:
                tx = verified(decode_transaction(kept.tx))
                # The store says what becomes of it.
                with contextlib.suppress(Rejection, NodeStopping):
                    await self.shell.submit(tx)

    def ask_counterparties(self, only: Collection[bytes] | None = None) -> None:
        """Send waiting affirmations, all or `only` these, to their counterparties, those that are
        connected."""
        if self.affirmer is None:
            return
        for lei in sorted(self.affirmer.counterparties()):
            peer = self.inbound.membership.peer_of(lei)
            if peer in self.shell.core.peers and peer is not None:
                for request in self.affirmer.requests(lei, only):
                    self.network.send(peer, encode_message(request))

    # ---------------------------------------------------------------- what users do
    def standing(self) -> dict[str, Any]:
        """The height under way: who voted what, who is missing, what the node waits for."""
        known = [self.inbound.membership.lei_of(peer) for peer in self.shell.core.peers]
        present = [lei for lei in known if lei is not None]
        deciding = self.shell.core.deciding
        needed = deciding.recoveries.needed(deciding.tip)
        return standing(deciding.run, self.shell.tip.state, present, self.config.lei, needed)

    @property
    def peers_known(self) -> int:
        """How many other nodes the ledger knows."""
        return len(self._peers(self.inbound.membership))

    async def initiate(self, trades: Sequence[Trade], *, batch: bool) -> list[Transaction]:
        """Sign own trades, keep them, and ask the counterparties to affirm them.

        `batch`: all in one TradeBatch, which needs one counterparty. Raises `Rejection`.
        """
        if self.affirmer is None:
            raise ObserverCannotSubmit()
        valid_until = self.shell.core.tip.height + self.config.trades.valid_heights
        actions = [TradeBatch(tuple(trades))] if batch else [RegisterTrade(x) for x in trades]
        chain_id = self.genesis.chain_id
        self.policy.check_trades(self.shell.core.tip.state, actions)
        halves = [unsigned(chain_id, a, nonce=0, valid_until=valid_until) for a in actions]
        self._check_terms(halves)
        self.policy.count_trades(self.shell.core.tip.state, trades)
        self.ask_counterparties(await self.affirmer.begin(halves))
        return halves

    async def affirm(self, halves: Sequence[Transaction]) -> None:
        """Keep transactions with trades, signed here, and ask the counterparties to affirm them;
        raises `Rejection`."""
        if self.affirmer is None:
            raise ObserverCannotSubmit()
        self._check_terms(halves)
        self.ask_counterparties(await self.affirmer.begin(halves))

    def _check_terms(self, halves: Sequence[Transaction]) -> None:
        for tx in halves:
            check_terms(self.shell.core.tip.state, tx)

    async def enter(self, trades: Sequence[Trade]) -> int:
        """Enter trades of the own book, by which counterparties' are affirmed; raises
        `Rejection`."""
        if not self.is_member:
            raise ObserverCannotSubmit()
        self.policy.check_trades(self.shell.tip.state, [RegisterTrade(x) for x in trades])
        self.policy.count_trades(self.shell.tip.state, trades)
        return await self.trades.add_to_blotter(trades)

    def sealing_key(self, purpose: str) -> bytes:
        """32 bytes for a file of the node's own, which nobody without its keys can make."""
        return self._keys.derived(purpose)

    def sign(self, tx: Transaction, roles: Sequence[KeyRole]) -> Transaction:
        """`tx` signed with the home's keys of these roles, and counted; whether the policy allows
        it is the caller's to ask. Raises `SignedRecordDamaged`."""
        self.policy.count(self.shell.tip.state, roles, tx)
        return signed(tx, *(self._keys.signing(role.name.lower()) for role in roles))

    def admin(self, act: str, **fields: object) -> None:
        """Log an administrative act, durably."""
        log.info("admin", act=act, **fields)
        record(self.home.data, act, **fields)
