// Each kitchen's rule, and what each stage of a day reveals, by which matrix, and what is said about it.

import { DISHES, WEATHER } from "latchwork/draw/icons.js";

const dish = (index) => DISHES[index].name;

export const RULES = {
  plain:
    "He looks out of the window: sun means apple pie, rain means a burger. What he made yesterday does not matter.",
  recurrent:
    "He works down his list, whatever the weather: after apple pie comes a burger, then chicken, then apple pie.",
  merged: "Sun: he serves what he made yesterday. Rain: he cooks the next dish on his list.",
};

export const STAGES = {
  plain: [
    {
      shows: ["weather"],
      say: (day) =>
        `Today is ${WEATHER[day.weather].name}. Written as a one-hot vector: a 1 where it is true, a 0 where it is not.`,
    },
    {
      by: "weather",
      say: (day) =>
        `Each row is multiplied with the weather, entry by entry, and summed. The 1 picks one column, the 0 silences the other: ${dish(day.dish)}.`,
    },
  ],
  recurrent: [
    {
      shows: ["yesterday"],
      say: (day) =>
        `Yesterday there was ${dish(day.yesterday)}. What came out yesterday goes in today: that loop is all that “recurrent” means.`,
    },
    {
      by: "food",
      say: (day) =>
        `The food matrix moves the 1 one place on: after ${dish(day.yesterday)} comes ${dish(day.dish)}. Tomorrow that goes in on top.`,
    },
  ],
  merged: [
    {
      shows: ["yesterday", "weather"],
      say: (day) =>
        `Two one-hot vectors come in: yesterday’s ${dish(day.yesterday)}, and ${WEATHER[day.weather].name} weather.`,
    },
    {
      by: "food",
      say: () =>
        "The food matrix makes two proposals: the same dish again (upper half) and the next dish (lower half).",
    },
    {
      by: "weather",
      say: (day) =>
        `The weather matrix gives the verdict: ${day.weather ? "rain, so the lower half holds" : "sun, so the upper half holds"}.`,
    },
    {
      shows: ["total"],
      say: () => "Add the two. Where a proposal meets the verdict there is a 2; everywhere else a 0 or a 1.",
    },
    {
      shows: ["chosen"],
      say: () =>
        "A nonlinearity keeps what is over 1. Only the 2 survives, as a 1. No matrix alone could have done this.",
    },
    {
      by: "merge",
      say: (day) =>
        `The merge matrix lays both halves on top of each other: ${dish(day.dish)} is served. Tomorrow it goes in on the left.`,
    },
  ],
};
