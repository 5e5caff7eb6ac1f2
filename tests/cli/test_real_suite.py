"""Real language models through the command line, on tiny random ones: nothing here needs a download."""

import json

import numpy as np
import pytest

from benchmark.cli.main import invoke
from benchmark.contract import UsageError
from benchmark.harness.saved import read_settings
from benchmark.runs.store import Store
from benchmark.tasks import prepare, pretraining
from benchmark.tasks.backbones import BackboneSpec, load_backbone, parse_backbone
from benchmark.tasks.suite import load_suite

SUITE = """
name = "small-real"
version = "1"
n = 400
seeds = 1
backbone = "{model}[lora=0,longest=12]"
[budget]
steps = 3
batch_size = 4
[queries]
pairs = 64
contrasts = 4
pool = 16
samples = 2
[[cells]]
scenarios = ["observed[strength=1]"]
methods = ["covariate-regression", "dpo-raw"]
[[cells]]
scenarios = ["observed[strength=1]"]
methods = ["bradley-terry"]
backbone = "tiny[encoder={encoder}]"
"""


def write_tokenizer(words, folder, **special):
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    model = models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="<unk>")
    plain = Tokenizer(model)
    plain.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    PreTrainedTokenizerFast(tokenizer_object=plain, unk_token="<unk>", **special).save_pretrained(folder)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Folders of a random Llama and a random BERT that know the words of the headlines domain."""
    import torch
    from transformers import BertConfig, BertModel, LlamaConfig, LlamaForCausalLM

    from simulators.text import load_domain

    folder = tmp_path_factory.mktemp("models")
    words = ["<s>", "</s>", "<unk>", "<pad>", *load_domain("headlines").vocabulary]
    small = {"vocab_size": len(words), "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 1}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        llama = LlamaForCausalLM(LlamaConfig(**small, num_attention_heads=2, bos_token_id=0, eos_token_id=1))
        bert = BertModel(BertConfig(**small, num_attention_heads=2, max_position_embeddings=64))
    llama.save_pretrained(folder / "llama")
    write_tokenizer(words, folder / "llama", bos_token="<s>", eos_token="</s>")
    bert.save_pretrained(folder / "bert")
    write_tokenizer(words, folder / "bert", pad_token="<pad>")
    return folder


@pytest.fixture(scope="module")
def finished(models, tmp_path_factory):
    """A folder where a suite on the random models was run once, in this process."""
    folder = tmp_path_factory.mktemp("run")
    text = SUITE.format(model=models / "llama", encoder=models / "bert")
    (folder / "suite.toml").write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONFOUNDBENCH_BUILD", str(folder / "build"))
        patch.setattr(pretraining, "PRETRAINING_TEXTS", 600)
        pretraining.hash_backbone.cache_clear()
        yield folder, run(folder)
    pretraining.hash_backbone.cache_clear()


def run(folder, *more, store="store"):
    where = ["--suite", folder / "suite.toml", "--store", folder / store, "--workers", 0, "--device", "cpu"]
    return invoke(["run", *map(str, where), *more])


def records(folder, store="store"):
    return Store.existing(folder / store).read_records().to_pandas()


def test_every_cell_runs_on_the_backbone_of_its_product(finished, models):
    folder, code = finished
    table = records(folder)
    assert code == 0, table[["method", "reason"]].to_string()
    assert set(table["status"]) == {"ok"}
    found = {name: set(part["method"]) for name, part in table.groupby("backbone")}
    # naive and ceiling join every product
    assert found == {
        f"{models / 'llama'}[lora=0,longest=12]": {"naive", "ceiling", "covariate-regression", "dpo-raw"},
        f"tiny[encoder={models / 'bert'}]": {"naive", "ceiling", "bradley-terry"},
    }
    policy = table[table["method"] == "dpo-raw"].iloc[0]
    assert 0 <= policy["metric.rho"] <= 1
    # a random model writes no headlines
    assert policy["metric.off_grammar_rate"] == 1


def test_reward_models_see_the_encoder_of_their_backbone(finished):
    table = records(finished[0])
    rho = table[table["method"] == "naive"].set_index("backbone")["metric.rho"]
    assert rho.nunique() == 2


def test_running_again_runs_nothing_and_another_backbone_the_same_cells(finished, capsys):
    folder, _ = finished
    assert run(folder, "--json") == 0
    assert json.loads(capsys.readouterr().out)["ran"] == 0
    assert run(folder, "--backbone", "tiny", store="tiny") == 0
    tiny = records(folder, "tiny")
    assert set(tiny["backbone"]) == {"tiny"}
    cells = ["scenario", "seed", "method"]
    both = [set(table[cells].itertuples(index=False, name=None)) for table in (tiny, records(folder))]
    assert both[0] == both[1]


def test_other_weights_or_options_are_another_backbone(finished, models, tmp_path):
    import shutil

    shutil.copytree(models / "llama", tmp_path / "same")
    shutil.copytree(models / "llama", tmp_path / "other")
    settings = json.loads((tmp_path / "other" / "config.json").read_text())
    (tmp_path / "other" / "config.json").write_text(json.dumps({**settings, "rms_norm_eps": 1e-3}))
    hashes = [pretraining.hash_backbone("headlines", str(models / "llama"))]
    hashes += [pretraining.hash_backbone("headlines", str(tmp_path / name)) for name in ("same", "other")]
    assert hashes[0] == hashes[1] != hashes[2]
    options = [
        f"{models / 'llama'}[{option}]" for option in ("lora=0", "longest=9", "chat=false", "rate=0.1")
    ]
    assert len({pretraining.hash_backbone("headlines", text) for text in options} | {hashes[0]}) == 5


def test_adapted_weights_are_made_once_for_all_other_options(finished, models):
    def network(*options):
        name = f"{models / 'llama'}[{','.join(('lora=0', *options))}]"
        return read_settings(pretraining.make_backbone("headlines", name))["policy"]

    plain, adapted, again = network(), network("adapt=3"), network("adapt=3", "longest=9")
    assert plain["folder"] == str(models / "llama")
    assert adapted["folder"] == again["folder"] != plain["folder"]
    assert adapted["digest"] == again["digest"] != plain["digest"]
    assert network("adapt=4")["digest"] not in (adapted["digest"], plain["digest"])
    hashes = [
        pretraining.hash_backbone("headlines", f"{models / 'llama'}[lora=0{more}]")
        for more in ("", ",adapt=3", ",adapt=4", ",adapt=3,longest=9")
    ]
    assert len(set(hashes)) == 4


def test_the_word_encoder_is_the_one_of_the_tiny_backbone(finished, models):
    texts = np.array(["Ready to upgrade? Ends tonight!", "Curious? Hurry, today only!"], dtype=object)
    prompts = np.array(["Write a headline about coffee beans."] * 2, dtype=object)
    encoders = [
        load_backbone(pretraining.make_backbone("headlines", name)).encoder
        for name in ("tiny", f"{models / 'llama'}[lora=0,longest=12]")
    ]
    assert encoders[0].hash == encoders[1].hash
    assert (encoders[0].encode(prompts, texts) == encoders[1].encode(prompts, texts)).all()


def test_sentence_embeddings_are_mean_hidden_states_whatever_the_company(finished, models):
    import torch
    from transformers import AutoModel, AutoTokenizer

    backbone = load_backbone(pretraining.make_backbone("headlines", f"tiny[encoder={models / 'bert'}]"))
    prompts, texts, _ = pretraining.draw_corpus("headlines")
    prompts, texts = prompts[:40], texts[:40]
    found = backbone.encoder.encode(prompts, texts)
    # hidden size and the six prompts of the domain
    assert found.shape == (40, 16 + 6)
    assert (found[:, 16:].sum(axis=1) == 1).all()
    np.testing.assert_allclose(np.linalg.norm(found[:, :16], axis=1), 1, atol=1e-6)
    tokenizer, model = (kind.from_pretrained(models / "bert") for kind in (AutoTokenizer, AutoModel))
    with torch.no_grad():
        plain = model.eval()(torch.tensor([tokenizer(texts[3])["input_ids"]])).last_hidden_state.mean(1)[0]
    np.testing.assert_allclose(found[3, :16], (plain / plain.norm()).numpy(), atol=1e-5)
    np.testing.assert_allclose(backbone.encoder.encode(prompts[3:5], texts[3:5]), found[3:5], atol=1e-5)


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("tiny", BackboneSpec()),
        ("smollm2-135m", BackboneSpec("smollm2-135m")),
        ("smollm2-135m[lora=8]", BackboneSpec("smollm2-135m")),
        (" me/it[ lora=0, chat=false ,rate=1e-4]", BackboneSpec("me/it", lora=0, chat=False, rate=1e-4)),
        ("tiny[encoder=minilm]", BackboneSpec(encoder="minilm")),
        ("/a/b[checkpoint=2,longest=9]", BackboneSpec("/a/b", checkpoint=2, longest=9)),
        ("/a/b[adapt=20]", BackboneSpec("/a/b", adapt=20)),
    ],
)  # fmt: skip
def test_backbones_are_read_and_written(text, spec):
    assert parse_backbone(text) == spec
    assert parse_backbone(str(spec)) == spec


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tyny", "did you mean 'tiny'"),
        ("tiny[lora=2]", "option of backbone tiny"),
        ("smollm2-135m[lore=2]", "did you mean 'lora'"),
        ("smollm2-135m[lora=-1]", "lora"),
        ("smollm2-135m[longest=0]", "longest"),
        ("smollm2-135m[adapt=-1]", "adapt"),
        ("tiny[adapt=5]", "option of backbone tiny"),
        ("smollm2-135m[chat=perhaps]", "chat"),
        ("smollm2-135m[rate=nan]", "rate"),
        ("smollm2-135m[lora=2", "cannot read"),
        ("", "cannot read"),
    ],
)
def test_bad_backbones_are_usage_errors(text, message):
    with pytest.raises(UsageError, match=message):
        parse_backbone(text)


def test_the_suite_names_backbones_and_methods_that_exist():
    import methods

    suite = load_suite("real")
    assert suite.backbones == ("smollm2-135m[chat=false,adapt=180]", "tiny[encoder=minilm]")
    for text in suite.backbones:
        assert str(parse_backbone(text)) == text
    for scenario in suite.scenarios:
        prepare.check_scenario(scenario)
        assert prepare.domain_of(scenario) == "headlines"
    for product in suite.cells:
        named = product.methods or suite.methods
        assert {method.name for method in methods.match(named)} == set(named)
