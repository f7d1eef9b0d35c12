'use strict';
const { pause, unit } = require('./observer.cjs');
const { check, dbperf } = require('./judge.cjs');
module.exports = { check, dbperf, pause, unit };
