// The n-gram of a saved language model: the counterpart of src/latchwork/text/ngram.py, for one token after another.

const SHARES = Float64Array.from({ length: 256 }, (_, step) => Math.exp((step / 255) * Math.log(1e-7)));
const BACKOFFS = [0.3, 0.6, 0.85]; // between the kinds of contexts that `confidence` tells apart

export class NGram {
  /** @param {Object<string, {data: ArrayLike<number>}>} tensors of a model's file */
  constructor(tensors) {
    this.unigram = Float64Array.from(tensors["fitted.ngram.unigram"].data);
    this.levels = [];
    for (let order = 2; tensors[`fitted.ngram.${order}.tokens`]; order++) {
      const [children, tokens, codes] = ["children", "tokens", "codes"].map(
        (name) => tensors[`fitted.ngram.${order}.${name}`].data,
      );
      const first = new Float64Array(children.length + 1);
      const backoff = new Float64Array(children.length);
      for (let context = 0; context < children.length; context++) {
        first[context + 1] = first[context] + children[context];
        let total = 0;
        for (let at = first[context]; at < first[context + 1]; at++) total += SHARES[codes[at]];
        backoff[context] = Math.min(1, Math.max(0, 1 - total));
      }
      this.levels.push({ first, tokens, codes, backoff });
    }
  }

  /** The contexts after one more token: places in their levels, -1 where not counted. */
  advance(token, contexts) {
    if (!this.levels.length) return [];
    const longer = contexts.slice(0, this.levels.length - 1).map((node, level) => this.child(level, node, token));
    return [token, ...longer];
  }

  child(level, node, token) {
    if (node < 0) return -1;
    const { first, tokens } = this.levels[level];
    let [low, high] = [first[node], first[node + 1]];
    const end = high;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (tokens[middle] < token) low = middle + 1;
      else high = middle;
    }
    return low < end && tokens[low] === token ? low : -1;
  }

  /** The probabilities of the next token after contexts. */
  after(contexts) {
    const probabilities = this.unigram.slice();
    contexts.forEach((node, level) => {
      if (node < 0) return;
      const { first, tokens, codes, backoff } = this.levels[level];
      for (let token = 0; token < probabilities.length; token++) probabilities[token] *= backoff[node];
      for (let at = first[node]; at < first[node + 1]; at++) probabilities[tokens[at]] += SHARES[codes[at]];
    });
    return probabilities;
  }

  /** How much a context says: which of the mixture's weights it goes by. */
  confidence(contexts) {
    for (let depth = contexts.length - 1; depth >= 0; depth--) {
      if (contexts[depth] < 0) continue;
      const mass = this.levels[depth].backoff[contexts[depth]];
      return (depth + 1) * (BACKOFFS.length + 1) + BACKOFFS.filter((edge) => edge <= mass).length;
    }
    return 0;
  }

  /** How likely a word ends with each token, given which tokens continue one. */
  ends(continues) {
    const own = this.unigram.reduce((sum, value, token) => sum + (continues[token] ? value : 0), 0);
    return Float64Array.from(this.unigram, (_, token) => {
      if (!this.levels.length) return 1 - own;
      const { first, tokens, codes, backoff } = this.levels[0];
      let counted = 0;
      for (let at = first[token]; at < first[token + 1]; at++) if (continues[tokens[at]]) counted += SHARES[codes[at]];
      return 1 - Math.min(1, counted + backoff[token] * own);
    });
  }
}
