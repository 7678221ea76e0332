'use strict';

/** Posts and gives the status of the answer once all of it is there; without an answer the name of what went wrong. */
async function post(pool, { path, headers, body }) {
  try {
    const answer = await pool.request({ method: 'POST', path, headers, body });
    await answer.body.dump();
    return answer.statusCode;
  } catch (error) {
    return error.code ?? error.name;
  }
}

/** How often each status came: counts it in. */
function count(statuses, status) {
  statuses[status] = (statuses[status] ?? 0) + 1;
}

module.exports = { post, count };
