"""The part of policy.md that code can check. Each rule looks at one executed call, `step`, and says whether it holds;
its docstring is what people and models are shown when it is broken.

`step` knows the call (`step.name`, `step.arguments`, `step.result`), the database before and after it (`step.before`,
`step.after`), whom it is done for (`step.user`) and the calls before it in the same conversation (`step.earlier`).

To change: one function for each sentence of the policy that forbids something the tools would do. CONDUCT says what the
policy asks of how a conversation is held; what it does not ask is False here.
"""

from __future__ import annotations

from apigen_nb import Conduct, Step, rule

CONDUCT = Conduct(identify_first=True, confirm_writes=True, one_call_at_a_time=True, no_text_beside_calls=True)


@rule("renew_loan")
def reserved_loan_goes_back(step: Step) -> bool:
    """A loan that somebody else has reserved is not renewed."""
    loan = step.before["loans"][step.arguments["loan_id"]]
    return not loan["reserved"]


# Two more that this library could have:
#     whose loan it is        return loan["member_id"] == step.user
#     once in a conversation  return not any(earlier.name == step.name for earlier in step.earlier)
# A rule over a whole conversation is marked @trace_rule: it is given `trace` (`messages`, `steps`, each with the index
# of the message that made it, and `user`), and gives the indices of the messages that break it.
