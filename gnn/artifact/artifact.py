"""The published artifact: everything serving needs, memory-mapped, with a checksum per file.

manifest.json            schema version, build, model parameters, sha256 of every other file
items.arrow users.arrow nodes_<type>.arrow     ids and what is shown of them
edges_<n>_{forward,reverse}_{indptr,indices}.npy     adjacency per edge type, both directions
edges_<n>_<property>.npy     counts and times of interactions, in forward order
onward_<n>_{forward,reverse}_{indptr,indices}.npy     where walks go on to by a step in which there are hubs
neighbours_{indptr,indices,data}.npy     the pruned graph sum
weights_{indptr,indices,data}.npy     the learned item–item weights, where there are any
source_embeddings.npy target_embeddings.npy popularity.npy price_cents.npy available.npy
met_items.npy met_times.npy first_met.npy     when shoppers met items, for what trends and what is new
activity_<name>.npy     when each shopper did something and what was paid, for profiles and buy-again
repeat_rates.npy     which items are bought again
factor.npy     what the scores of each item were multiplied with, where a season or an exponent of popularity was learned
copurchases_<name>.npy     what of the learned parts runs over paths through other shoppers, where that is known
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import scipy.sparse as sp

from gnn.artifact.copurchase_files import read_copurchases, write_copurchases
from gnn.artifact.graph_files import PROPERTIES, write_edges, write_hubs, write_nodes
from gnn.artifact.model_json import model_from_json, model_json
from gnn.artifact.stored_arrays import mapped, read_csr, sha256, write_csr
from gnn.events.activity import Activity
from gnn.events.interactions import Interactions
from gnn.events.repeats import RepeatModel, Repeats
from gnn.events.timing import Timing, timing_of
from gnn.graph.arrays import GraphArrays
from gnn.graph.walks import FloatArray, WalkWeights
from gnn.model.scorer import PathModel, neighbour_matrix
from kg.errors import ArtifactError
from kg.schema import RATED, EdgeType, Step

SCHEMA_VERSION = 8
_HINT = "publish another build, or rebuild: `reckon rebuild`"

Hubs = tuple[Step, int, int]
"""A step that is not a walk's first one, and the walk's `max_degree` and `hub_fanout`."""


@dataclass(frozen=True)
class Edges:
    """The edges of one type, both ways round.

    Attributes:
        forward: [sources, targets], ones.
        reverse: [targets, sources], ones.
        properties: `count`, `first_time`, `last_time` and `rating` of interactions, in the order of `forward`.
    """

    forward: sp.csr_matrix
    reverse: sp.csr_matrix
    properties: Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Artifact:
    """A loaded build. All large arrays are memory-mapped and shared between worker processes.

    Attributes:
        build_id: The build.
        folder: Where it is.
        created_s: When it was saved, Unix seconds.
        item_ids: By item_num.
        titles: By item_num; the id where an item has no title.
        user_ids: By user number.
        node_keys: node type → keys of the other nodes.
        node_names: node type → what a person reads, by node number: a quantity as most items write it.
        edges: Per edge type.
        model: What was learned.
        neighbours: The pruned graph sum, [n_items, n_items].
        popularity: Users per item, [n_items].
        price_cents: [n_items]; NaN where the catalogue has none.
        available: Whether an item may be shown, [n_items].
        meetings: When shoppers met items.
        timing: Whether those times are dates, order numbers, or unknown.
        events_seq: The highest place in the event ledger that the build has taken in; later events are fresh.
        catalogue_seq: The same of changes of items; later ones make the overlay.
        activity: When each user did something and what it cost; None in artifacts that nobody is served from.
        repeats: What is bought again, and how soon; None like `activity`.
        hubs: Where walks go on to by a step in which there are hubs, both ways round; steps without hubs are not in it.
    """

    build_id: str
    folder: Path
    created_s: float
    item_ids: list[str]
    titles: list[str]
    user_ids: list[str]
    node_keys: Mapping[str, list[str]]
    node_names: Mapping[str, list[str]]
    edges: Mapping[EdgeType, Edges]
    model: PathModel
    neighbours: sp.csr_matrix
    popularity: FloatArray
    price_cents: npt.NDArray[np.float64]
    available: npt.NDArray[np.bool_]
    meetings: Interactions
    timing: Timing
    events_seq: int = 0
    catalogue_seq: int = 0
    activity: Activity | None = None
    repeats: Repeats | None = None
    hubs: Mapping[Hubs, tuple[sp.csr_matrix, sp.csr_matrix]] = field(default_factory=dict)

    @cached_property
    def item_nums(self) -> dict[str, int]:
        """Item id → item_num."""
        return {item_id: num for num, item_id in enumerate(self.item_ids)}

    @cached_property
    def user_nums(self) -> dict[str, int]:
        """User id → position."""
        return {user_id: num for num, user_id in enumerate(self.user_ids)}

    @cached_property
    def rated_highly(self) -> bool:
        """Whether every rating that walks go through has a value and a high one."""
        known, edges = self.model.history.ratings, self.edges.get(("user", RATED, "item"))
        if known is None or edges is None or "rating" not in edges.properties or known.lowest == known.highest:
            return False
        given = np.asarray(edges.properties["rating"])
        return bool(len(given) and np.isfinite(given).all() and given.min() > known.middle)

    @property
    def n_items(self) -> int:
        """Number of items."""
        return len(self.item_ids)

    def oriented(self, step: Step) -> tuple[sp.csr_matrix, sp.csr_matrix]:
        """Return the adjacency of a step, [nodes left, nodes reached], and the same the other way round."""
        edges = self.edges[step.edge_type]
        return (edges.reverse, edges.forward) if step.reverse else (edges.forward, edges.reverse)

    def onward(self, step: Step, walk: WalkWeights) -> tuple[sp.csr_matrix, sp.csr_matrix]:
        """Return the same of where a walk of the model goes on to by a step that is not its first one: hubs lead on to some neighbours only."""
        return self.hubs.get((step, walk.max_degree, walk.hub_fanout)) or self.oriented(step)

    def trend(self, num: int) -> float | None:
        """Return the season of an item: what its scores are multiplied with beside the factor of its popularity; None without a season."""
        if self.model.season is None:
            return None
        popularity = float(self.popularity[num]) if num < self.n_items else 0.0
        return self.model.factor_of(num) / float(max(1.0, popularity) ** self.model.popularity_exponent)

    def node_name(self, node_type: str, num: int) -> str:
        """Return how a person reads a value node."""
        return self.node_names[node_type][num]

    def node_key(self, node_type: str, num: int) -> str:
        """Return the key of a node."""
        return (self.item_ids if node_type == "item" else self.user_ids if node_type == "user" else self.node_keys[node_type])[num]


def save_artifact(
    folder: Path,
    graph: GraphArrays,
    model: PathModel,
    *,
    build_id: str,
    events_seq: int = 0,
    catalogue_seq: int = 0,
    activity: Activity | None = None,
    repeats: Repeats | None = None,
) -> Path:
    """Write an artifact, whole or not at all.

    Args:
        folder: Where it goes; replaced if it is there.
        graph: The graph it answers from.
        model: What was learned on it.
        build_id: The build it belongs to.
        events_seq: The highest place in the event ledger that the graph has taken in.
        catalogue_seq: The same of changes of items.
        activity: When each user did something and what it cost; profiles and buy-again need it.
        repeats: What is bought again, and how soon; buy-again needs it.
    """
    temporary = folder.with_name(folder.name + ".tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    edge_types = list(graph.edges)
    write_nodes(temporary, graph)
    for n, edge_type in enumerate(edge_types):
        write_edges(temporary, n, graph, edge_type)
    hubs = write_hubs(temporary, graph, model, edge_types)
    copurchases = write_copurchases(temporary, model.copurchases)
    write_csr(temporary, "neighbours", neighbour_matrix(graph, model), data=True)
    if model.has_weights and model.item_weights is not None:
        write_csr(temporary, "weights", model.item_weights, data=True)
    # An item's numbers side by side: a request reads a few rows, and a product with another order would copy the whole array each time.
    np.save(temporary / "source_embeddings.npy", np.ascontiguousarray(model.source_embeddings, dtype=np.float32))
    np.save(temporary / "target_embeddings.npy", np.ascontiguousarray(model.target_embeddings, dtype=np.float32))
    if model.factor is not None:
        np.save(temporary / "factor.npy", model.factor)
    np.save(temporary / "popularity.npy", graph.popularity)
    np.save(temporary / "price_cents.npy", graph.price_cents)
    np.save(temporary / "available.npy", graph.available)
    meetings = Interactions.of(graph)
    np.save(temporary / "met_items.npy", meetings.items)
    np.save(temporary / "met_times.npy", meetings.times)
    np.save(temporary / "first_met.npy", meetings.first)
    if activity is not None:
        for name, values in activity.arrays().items():
            np.save(temporary / f"activity_{name}.npy", values)
    if repeats is not None:
        np.save(temporary / "repeat_rates.npy", repeats.rates)
    manifest = {
        "schema_version": SCHEMA_VERSION,
        "build_id": build_id,
        "created_s": time.time(),
        "events_seq": events_seq,
        "catalogue_seq": catalogue_seq,
        "timing": timing_of(meetings.times),
        "edge_types": ["/".join(edge_type) for edge_type in edge_types],
        "hubs": hubs,
        "copurchases": copurchases,
        "node_types": sorted(set(graph.keys) - {"item", "user"}),
        "model": model_json(model),
        "repeats": None if repeats is None else asdict(repeats.model),
        "files": {path.name: {"bytes": path.stat().st_size, "sha256": sha256(path)} for path in sorted(temporary.iterdir())},
    }
    (temporary / "manifest.json").write_text(json.dumps(manifest, indent=1))
    shutil.rmtree(folder, ignore_errors=True)
    temporary.rename(folder)
    return folder


def load_artifact(folder: Path, *, verify: bool = True) -> Artifact:
    """Load an artifact.

    Args:
        folder: Where `save_artifact` wrote it.
        verify: Compare every file with its checksum; False compares sizes only.

    Raises:
        ArtifactError: It is missing, corrupt, or of another schema version.
    """
    manifest = read_manifest(folder)
    for name, expected in manifest["files"].items():
        _check_file(folder / name, expected, verify=verify)
    try:
        return _load(folder, manifest)
    except (OSError, ValueError, KeyError, TypeError, pl.exceptions.PolarsError) as error:
        raise ArtifactError(f"the artifact {folder} cannot be read: {error}", hint=_HINT) from error


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read the manifest of an artifact.

    Raises:
        ArtifactError: It is missing, not JSON, or of another schema version.
    """
    try:
        manifest = json.loads((folder / "manifest.json").read_text())
        version = manifest["schema_version"]
        files, build_id = manifest["files"], manifest["build_id"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ArtifactError(f"{folder / 'manifest.json'} is missing or damaged", hint=_HINT) from error
    if version != SCHEMA_VERSION or not isinstance(files, dict) or not isinstance(build_id, str):
        raise ArtifactError(f"the artifact {folder} is of schema version {version}; this Reckon reads {SCHEMA_VERSION}", hint=_HINT)
    return dict(manifest)


def _check_file(path: Path, expected: Mapping[str, Any], *, verify: bool) -> None:
    try:
        good = path.stat().st_size == expected["bytes"] and (not verify or sha256(path) == expected["sha256"])
    except (OSError, KeyError) as error:
        raise ArtifactError(f"{path} is missing", hint=_HINT) from error
    if not good:
        raise ArtifactError(f"{path} is damaged: its size or checksum differs from the manifest", hint=_HINT)


def _load(folder: Path, manifest: Mapping[str, Any]) -> Artifact:
    items = pl.read_ipc(folder / "items.arrow")
    users = pl.read_ipc(folder / "users.arrow")["user_id"].to_list()
    nodes = {name: pl.read_ipc(folder / f"nodes_{name}.arrow") for name in manifest["node_types"]}
    keys = {name: frame["key"].to_list() for name, frame in nodes.items()}
    sizes = {"item": items.height, "user": len(users), **{name: len(of_type) for name, of_type in keys.items()}}
    edges = {}
    for n, text in enumerate(manifest["edge_types"]):
        source, relation, target = text.split("/")
        edges[(source, relation, target)] = _load_edges(folder, n, (sizes[source], sizes[target]))
    hubs = {}
    for n, row in enumerate(manifest["hubs"]):
        step = Step(list(edges)[row["edge_type"]], reverse=row["reverse"])
        hubs[step, row["max_degree"], row["hub_fanout"]] = _read_both(folder, f"onward_{n}", (sizes[step.start], sizes[step.end]))
    model = model_from_json(folder, manifest["model"], edges, _weights(folder, items.height))
    # Builds of earlier versions know nothing of it.
    split = read_copurchases(folder, manifest.get("copurchases"), {edge_type: stored.reverse.indptr for edge_type, stored in edges.items()})
    return Artifact(
        build_id=manifest["build_id"],
        folder=folder,
        created_s=manifest["created_s"],
        item_ids=items["item_id"].to_list(),
        titles=items["title"].to_list(),
        user_ids=users,
        node_keys=keys,
        # Builds of earlier versions know the keys alone.
        node_names={name: frame["shown" if "shown" in frame.columns else "key"].to_list() for name, frame in nodes.items()},
        edges=edges,
        model=replace(model, copurchases=split),
        neighbours=read_csr(folder, "neighbours", (items.height, items.height), data=True),
        popularity=np.load(folder / "popularity.npy"),
        price_cents=np.load(folder / "price_cents.npy"),
        available=np.load(folder / "available.npy"),
        meetings=Interactions(*(mapped(folder / f"{name}.npy") for name in ("met_items", "met_times", "first_met"))),
        timing=manifest["timing"],
        events_seq=int(manifest.get("events_seq", 0)),
        catalogue_seq=int(manifest.get("catalogue_seq", 0)),
        activity=_activity(folder),
        repeats=_repeats(folder, manifest["repeats"]),
        hubs=hubs,
    )


def _weights(folder: Path, n_items: int) -> sp.csr_matrix | None:
    return read_csr(folder, "weights", (n_items, n_items), data=True) if (folder / "weights_indptr.npy").exists() else None


def _repeats(folder: Path, raw: Mapping[str, Any] | None) -> Repeats | None:
    return None if raw is None else Repeats(RepeatModel(**raw), np.load(folder / "repeat_rates.npy"))


def _activity(folder: Path) -> Activity | None:
    names = Activity.names()
    if not all((folder / f"activity_{name}.npy").exists() for name in names):
        return None
    return Activity(*(mapped(folder / f"activity_{name}.npy") for name in names))


def _load_edges(folder: Path, n: int, shape: tuple[int, int]) -> Edges:
    properties = {name: folder / f"edges_{n}_{name}.npy" for name in PROPERTIES}
    return Edges(*_read_both(folder, f"edges_{n}", shape), {name: mapped(path) for name, path in properties.items() if path.exists()})


def _read_both(folder: Path, name: str, shape: tuple[int, int]) -> tuple[sp.csr_matrix, sp.csr_matrix]:
    return read_csr(folder, f"{name}_forward", shape), read_csr(folder, f"{name}_reverse", (shape[1], shape[0]))
