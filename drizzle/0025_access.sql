-- Why: who may do what must hold whatever the code above does. A session acts as exactly one key or person, a person is
-- bound to what its role says, and the duties are those of the role.

ALTER TABLE session ADD CHECK (num_nonnulls(api_key, app_user, operator_proof) = 1);
--> statement-breakpoint
ALTER TABLE session ADD FOREIGN KEY (api_key) REFERENCES api_key (id);
--> statement-breakpoint
ALTER TABLE app_user ADD CHECK (email = lower(email) AND email LIKE '%_@_%');
--> statement-breakpoint
ALTER TABLE app_user ADD CHECK ((role = 'payee') = (payee IS NOT NULL) AND (role = 'customer') = (customer IS NOT NULL));
--> statement-breakpoint
ALTER TABLE app_user ADD CHECK (CASE role
  WHEN 'operator' THEN cardinality(duties) > 0 AND duties <@ '{maker,approver,support}'
  WHEN 'payee' THEN duties IN ('{owner}', '{viewer}')
  WHEN 'customer' THEN duties = '{}'
  ELSE false END);
